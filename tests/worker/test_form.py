"""Raw inputs out of a form, without a server."""

import io

import pytest
from werkzeug.test import EnvironBuilder

from mms.errors import BadRequest, PayloadTooLarge
from mms.wire import Request
from mms.worker.form import FROM_FIELD, FROM_PART, RawInput, read_form

TENSORS = {'input_type': 'application/json', 'inputs': [{'data_name': 'data'}]}
PICTURES = {**TENSORS, 'input_type': 'image/jpeg'}
URLENCODED = 'application/x-www-form-urlencoded'
MULTIPART = 'multipart/form-data; boundary=x'


def read(signature=TENSORS, body=None, kind=None, **options):
    """Read a form, given as it is or as Werkzeug's test client takes it."""
    if body is None:
        builder = EnvironBuilder(method='POST', content_type=kind, **options)
        environ = builder.get_environ()
        kind, body = environ['CONTENT_TYPE'], environ['wsgi.input'].read()
    return read_form(Request(kind or '', bytearray(body)), signature)


def part(*lines, data=b'jpeg'):
    return b'\r\n'.join([b'--x', *lines, b'', data, b'--x--', b''])


def test_a_field_and_a_part_are_told_apart():
    assert read(data={'data': '[1]'}) == [RawInput('data', FROM_FIELD, b'[1]')]
    file = (io.BytesIO(b'jpeg'), 'x.jpg', 'image/jpeg')
    assert read(PICTURES, data={'data': file}) == [RawInput('data', FROM_PART, b'jpeg')]
    assert read(PICTURES, data={'data': 'anBlZw=='}) == [
        RawInput('data', FROM_FIELD, b'anBlZw==')]


def test_a_part_in_base64_is_a_field():
    body = part(b'Content-Disposition: form-data; name="data"; filename="x.jpg"',
                b'Content-Type: image/jpeg', b'Content-Transfer-Encoding:  BASE64 ')
    assert read(PICTURES, body, MULTIPART) == [RawInput('data', FROM_FIELD, b'jpeg')]


def test_a_part_without_a_name_of_its_file_is_none():
    body = part(b'Content-Disposition: form-data; name="data"; filename=""',
                b'Content-Type: image/jpeg')
    with pytest.raises(BadRequest, match='expecting a data_name of data'):
        read(PICTURES, body, MULTIPART)


def test_a_part_of_another_type_is_refused():
    body = part(b'Content-Disposition: form-data; name="data"; filename="x"',
                b'Content-Type: image/jpeg; q=1')
    with pytest.raises(BadRequest, match='image/jpeg is expected but image/jpeg; q=1 is given'):
        read(PICTURES, body, MULTIPART)


@pytest.mark.parametrize('kind', ['multipart/form-data', URLENCODED])
def test_the_first_of_two_fields_of_one_name_counts(kind):
    assert read(data={'data': ['[1]', '[2]']}, kind=kind)[0].data == b'[1]'


@pytest.mark.parametrize('kind', ['multipart/form-data', URLENCODED])
def test_a_large_field_arrives_whole(kind):
    text = '[' + '1.5, ' * 200_000 + 'é]'
    assert read(data={'data': text}, kind=kind)[0].data == text.encode()


def test_a_large_part_with_line_ends_arrives_whole():
    data = bytes(range(256)) * 2000 + b'\r\n--xy' + b'\r\n' * 70_000
    body = part(b'Content-Disposition: form-data; name="data"; filename="x.jpg"',
                b'Content-Type: image/jpeg', data=data)
    assert read(PICTURES, body, MULTIPART)[0].data == data


@pytest.mark.parametrize(('body', 'text'), [
    (b'data=%5B1%5D', '[1]'), (b'data=[1,+2]', '[1, 2]'), (b'data=%C3%A9', 'é'), (b'data=', ''),
    (b'data=%FF%ED%A0%80', '%FF%ED%A0%80'), (b'&&data=[1]&data', '[1]'),
])
def test_what_a_urlencoded_field_holds(body, text):
    assert read(TENSORS, body, URLENCODED.upper() + '; charset=x')[0].data == text.encode()


@pytest.mark.parametrize(('charset', 'text'), [
    (b'', '�'), (b'; charset=iso-8859-1', 'é'), (b'; charset=utf-16', '�')])
def test_a_text_part_may_name_its_charset(charset, text):
    body = part(b'Content-Disposition: form-data; name="data"', b'Content-Type: text/plain'
                + charset, data=b'\xe9')
    assert read(TENSORS, body, MULTIPART)[0].data == text.encode()


@pytest.mark.parametrize('signature', [TENSORS, PICTURES])
def test_a_missing_field_is_named(signature):
    with pytest.raises(BadRequest, match='expecting a data_name of data'):
        read(signature, data={'other': '[1]'})


@pytest.mark.parametrize(('body', 'kind'), [
    (b'[1]', ''), (b'data=[1]', 'text/plain'), (b'data=[1]', 'multipart/form-data'),
    (b'--x\r\nContent-Disposition: form-data; name="da', MULTIPART), (b'', MULTIPART),
    (b'--x\r\n\r\n[1]\r\n--x--\r\n', MULTIPART), (b'data=\xff', URLENCODED),
    (b'--\xe9', 'multipart/form-data; boundary=\xe9'), (b'x', '\udcff/\udcff'),
    (b'--x\r\nContent-Disposition: form-data\r\n\r\n[1]\r\n--x--\r\n', MULTIPART),
])
def test_what_is_no_form_has_no_field(body, kind):
    with pytest.raises(BadRequest, match='expecting a data_name of data'):
        read(TENSORS, body, kind)


@pytest.mark.parametrize(('fields', 'kind'), [
    ({'data': ['a'] * 10_001}, 'multipart/form-data'), ({'data': ['a'] * 10_001}, URLENCODED)])
def test_too_many_fields_are_refused(fields, kind):
    with pytest.raises(PayloadTooLarge, match='more than 10000 fields'):
        read(data=fields, kind=kind)
    assert read(data={'data': fields['data'][1:]}, kind=kind)[0].data == b'a'

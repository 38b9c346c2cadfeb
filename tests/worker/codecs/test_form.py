"""Raw inputs out of a form, without a server."""

import io

import pytest
from werkzeug.test import EnvironBuilder

from mms.errors import BadRequest, PayloadTooLarge
from mms.ipc.request import CLASSIC, Request
from mms.worker.codecs.form import FROM_FIELD, FROM_PART, RawInput, read_form

TENSORS = {'input_type': 'application/json', 'inputs': [{'data_name': 'data'}]}
PICTURES = {**TENSORS, 'input_type': 'image/jpeg'}
URLENCODED = 'application/x-www-form-urlencoded'
MULTIPART = 'multipart/form-data; boundary=x'
JPEG = b'\xff\xd8\xff\xe0jpeg'


def read(signature=TENSORS, body=None, kind=None, **options):
    """Read a form, given as it is or as Werkzeug's test client takes it."""
    if body is None:
        environ = EnvironBuilder(method='POST', content_type=kind, **options).get_environ()
        # A large form lies in a temporary file.
        with environ['wsgi.input'] as form:
            kind, body = environ['CONTENT_TYPE'], form.read()
    return read_form(Request(CLASSIC, kind or '', bytearray(body)), signature)


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


def test_the_empty_part_of_a_file_field_that_was_left_alone_is_none():
    body = part(b'Content-Disposition: form-data; name="data"; filename=""',
                b'Content-Type: application/octet-stream', data=b'')
    for signature in (PICTURES, TENSORS):
        with pytest.raises(BadRequest, match='expecting a data_name of data'):
            read(signature, body, MULTIPART)


def test_a_part_needs_no_filename():
    for head in (b'; filename=""', b''):
        body = part(b'Content-Disposition: form-data; name=data' + head,
                    b'Content-Type: image/jpeg', data=JPEG)
        assert read(PICTURES, body, MULTIPART) == [RawInput('data', FROM_PART, JPEG)]


@pytest.mark.parametrize('data', [JPEG, b'\x89PNG\r\n\x1a\n\0', b'BM', b'BM\xff', b'\xff\xfe'])
def test_a_field_of_bytes_that_are_no_text_is_a_part(data):
    body = part(b'Content-Disposition: form-data; name="data"', data=data)
    assert read(PICTURES, body, MULTIPART) == [RawInput('data', FROM_PART, data, '')]


def test_a_picture_without_a_filename_survives_a_field_that_has_a_type():
    """Spring and Retrofit give fields of JSON a type."""
    body = part(b'Content-Disposition: form-data; name="row"', b'Content-Type: application/json',
                data=b'[1]')[:-len(b'--x--\r\n')] + part(
        b'Content-Disposition: form-data; name="data"', b'Content-Type: image/jpeg', data=JPEG)
    both = {'inputs': [{'data_name': 'row'}, {'data_name': 'data', 'input_type': 'image/jpeg'}]}
    assert read(both, body, MULTIPART) == [
        RawInput('row', FROM_FIELD, b'[1]'), RawInput('data', FROM_PART, JPEG)]


@pytest.mark.parametrize('kind', ['application/json', 'application/octet-stream', 'text/plain', ''])
def test_a_list_may_be_a_file_part_of_any_type(kind):
    heads = [b'Content-Type: ' + kind.encode()] if kind else []
    body = part(b'Content-Disposition: form-data; name="data"; filename="blob"', *heads,
                data=b'[1]')
    assert read(TENSORS, body, MULTIPART) == [RawInput('data', FROM_PART, b'[1]')]


def test_a_field_goes_before_a_part_of_its_name_in_a_list():
    files = {'data': (io.BytesIO(b'[2]'), 'x.json')}
    builder = EnvironBuilder(method='POST', data=files)
    builder.form['data'] = '[1]'
    environ = builder.get_environ()
    assert read(TENSORS, environ['wsgi.input'].read(), environ['CONTENT_TYPE'])[0].data == b'[1]'


@pytest.mark.parametrize('kind', ['image/png', 'IMAGE/JPEG', 'image/jpeg; q=1', 'image/*',
                                  'application/octet-stream', ''])
def test_a_part_of_any_picture_type_or_of_none_is_taken_as_it_is(kind):
    heads = [b'Content-Type: ' + kind.encode()] if kind else []
    body = part(b'Content-Disposition: form-data; name="data"; filename="x"', *heads)
    assert read(PICTURES, body, MULTIPART) == [RawInput('data', FROM_PART, b'jpeg', kind)]


@pytest.mark.parametrize('kind', ['text/plain', 'application/json', 'application/pdf', 'jpeg'])
def test_a_part_of_another_type_is_refused(kind):
    body = part(b'Content-Disposition: form-data; name="data"; filename="x"',
                b'Content-Type: ' + kind.encode(), data=JPEG)
    with pytest.raises(BadRequest, match=f'image/jpeg is expected but {kind} is given'):
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
    (b'', ''), (b' ', 'application/json'), (b'', MULTIPART), (b'', 'multipart/form-data'),
    (b'--x--\r\n', MULTIPART), (b'data=\xff', URLENCODED), (b'other=[1]', URLENCODED),
    (part(b'Content-Disposition: form-data; name="other"', data=b'{}'), MULTIPART),
])
def test_a_form_without_the_field_is_told_so(body, kind):
    with pytest.raises(BadRequest, match=(
            'This end point is expecting a data_name of data. End point details can be found '
            'here:http://<host>:<port>/api-description$')):
        read(TENSORS, body, kind)


FIELD = b'Content-Disposition: form-data; name="data"'


@pytest.mark.parametrize(('body', 'kind', 'reason'), [
    (b'{"data": [[1]]}', 'application/json', 'The body is JSON and not a form: send data as a '),
    (b' [[1]]', '', 'The body is JSON and not a form'),
    (b'{"data": [[1]]}', URLENCODED, 'The body is JSON and not a form'),
    (JPEG, '', 'The body is a picture and not a form: send it as the part data of a multipart'),
    (JPEG, 'image/jpeg', 'The body is a picture and not a form'),
    (JPEG, URLENCODED, 'The body is a picture and not a form'),
    (part(FIELD), 'application/json', 'is a form, but its Content-Type says application/json: let'),
    (part(FIELD), '', 'is a form, but its Content-Type says nothing: let the HTTP library'),
    (part(FIELD), URLENCODED, f'is a form, but its Content-Type says {URLENCODED}'),
    (b'data=[1]', 'text/plain', 'is no form: its Content-Type is text/plain, and multipart/form'),
    (b'data=[1]', '', 'is no form: its Content-Type is missing'),
    (b'x', '\udcff/\udcff', 'its Content-Type is .*udcff'),
    (b'x', 'a/' + 'b' * 999, r'its Content-Type is a/b{98}\.\.\., and'),
    (part(FIELD), 'multipart/form-data', 'names no boundary, by which the parts'),
    (part(FIELD), 'multipart/form-data; boundary=y', 'The boundary --y that the Content-Type'),
    (part(FIELD)[:-7], MULTIPART, 'is cut off: its last boundary, --x--, is missing'),
    (b'--x\r\nContent-Disposition: form-data; name="da', MULTIPART, 'is cut off'),
    (b'--\xe9', 'multipart/form-data; boundary="\xe9"', 'is cut off'),
    (part(), MULTIPART, 'each of its parts needs a header such as Content-Disposition'),
    (part(b'Content-Disposition: form-data'), MULTIPART, 'each of its parts needs a header'),
])
@pytest.mark.parametrize('signature', [TENSORS, PICTURES])
def test_a_body_that_is_no_form_is_told_what_it_is(signature, body, kind, reason):
    with pytest.raises(BadRequest, match=reason) as refusal:
        read(signature, body, kind)
    assert 'expecting a data_name' not in str(refusal.value)
    assert str(refusal.value).endswith(
        'End point details can be found here:http://<host>:<port>/api-description')


@pytest.mark.parametrize(('fields', 'kind'), [
    ({'data': ['a'] * 10_001}, 'multipart/form-data'), ({'data': ['a'] * 10_001}, URLENCODED)])
def test_too_many_fields_are_refused(fields, kind):
    with pytest.raises(PayloadTooLarge, match='more than 10000 fields'):
        read(data=fields, kind=kind)
    assert read(data={'data': fields['data'][1:]}, kind=kind)[0].data == b'a'

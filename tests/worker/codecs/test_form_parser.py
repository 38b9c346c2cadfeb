"""Forms taken apart: what comes out is what Werkzeug's parser, that of MMS 0.4, makes of them."""

import io
import random

import pytest
from werkzeug.formparser import FormDataParser

from mms.errors import BadRequest, PayloadTooLarge
from mms.worker.codecs.form_parser import URLENCODED, Part, parse_form

KIND = 'multipart/form-data; boundary=x'
FIELD = b'Content-Disposition: form-data; name="data"'
FILE = FIELD + b'; filename="a.jpg"\r\nContent-Type: image/jpeg'


def body(*parts, end=b'--x--\r\n'):
    return b''.join(b'--x\r\n' + head + b'\r\n\r\n' + data + b'\r\n' for head, data in parts) + end


PLAIN = {
    'a field': body((FIELD, b'[1]')),
    'an empty field': body((FIELD, b'')),
    'a field that is no UTF-8': body((FIELD, b'\xff\xc3\xa9')),
    'a file': body((FILE, bytes(range(256)) * 99)),
    'an empty file': body((FILE, b'')),
    'a file without a type': body((FIELD + b'; filename="a"', b'1')),
    'a file without a name of its own': body((FIELD + b'; filename=""', b'1')),
    'two files of one name': body((FILE, b'1'), (FILE, b'2')),
    'a field and a file of one name': body((FIELD, b'1'), (FILE, b'2')),
    'names without quotes': body((b'content-disposition:form-data;name=data;filename=a', b'1')),
    'a name in other letters': body(('Content-Disposition: form-data; name="größe"'.encode(),
                                     b'1')),
    'an encoded file': body((FILE + b'\r\nContent-Transfer-Encoding: base64', b'aQ==')),
    'half a boundary in the data': body((FILE, b'\r\n--y\r\n-x\r\n--')),
    'a preamble and an epilogue': b'hello\r\n' + body((FIELD, b'1')) + b'good bye',
    'a charset': body((FIELD + b'\r\nContent-Type: text/plain; charset=latin-1', b'\xe9')),
    'a field with a type': body((FIELD + b'\r\nContent-Type: application/json', b'[1]')),
    'no field': b'--x--\r\n',
}
UNUSUAL = {
    'line feeds alone': body((FIELD, b'[1]')).replace(b'\r\n', b'\n'),
    'a quoted name': body((b'Content-Disposition: form-data; name="a\\"b%22"', b'1')),
    'a name in RFC 5987': body((b"Content-Disposition: form-data; name*=utf-8''a", b'1')),
    'twenty headers': body((FIELD + b'\r\nX-A: b' * 20, b'1')),
    'a long header': body((FIELD + b'\r\nX-A: ' + b'b' * 9000, b'1')),
    'a folded header': body((b'Content-Disposition: form-data;\r\n name="data"', b'1')),
    'blanks behind the boundary': body((FIELD, b'1')).replace(b'--x\r\n', b'--x  \r\n'),
    'a wrong length': body((FIELD + b'\r\nContent-Length: 7', b'1')),
    'no end': body((FIELD, b'1'), end=b''),
    'nothing': b'',
}


def read_by_werkzeug(data):
    """What the form holds, as Werkzeug says; the first of each name."""
    parser = FormDataParser(stream_factory=lambda *_, **__: io.BytesIO())
    _, fields, files = parser.parse(io.BytesIO(data), 'multipart/form-data', len(data),
                                    {'boundary': 'x'})
    return fields.to_dict(), {
        name: Part(bool(file.filename), file.content_type or '',
                   file.headers.get('Content-Transfer-Encoding', ''), file.stream.read())
        for name, file in files.to_dict().items()}


def fields_of(form):
    return {name: text.decode() for name, text in form.fields.items()}


@pytest.mark.parametrize('data', [*PLAIN.values(), *UNUSUAL.values()],
                         ids=[*PLAIN, *UNUSUAL])
def test_a_form_is_read_as_werkzeug_reads_it(data):
    form, (fields, files) = parse_form(KIND, bytearray(data)), read_by_werkzeug(data)
    assert fields_of(form) == fields
    assert form.parts.items() >= files.items()
    # Of the bytes of a field that is no text, Werkzeug keeps what is left of them as text.
    assert set(form.parts) - set(files) == {
        name for name, text in fields.items() if '\ufffd' in text}


PIECES = [b'--x', b'--x--', b'\r\n', b'\n', b'\r', b'--', b'x', b' ', b'\t', b':', b';', b'=', b'"',
          b'a', b'\\', b'%', b'%22', b'\xc3\xa9', b'\xff', FIELD, FILE, b'; filename="b"',
          b'\r\n\r\n', b'\n\n', b'--x\r\n' + FIELD + b'\r\n\r\n1\r\n', b'name*=', b"utf-8''a%20b",
          b'name*0=a; name*1=b', b'Content-Type: text/plain; charset=iso-8859-1\r\n',
          b'Content-Transfer-Encoding: base64', b'\0']


@pytest.mark.parametrize('seed', range(20))
def test_broken_forms_are_read_as_werkzeug_reads_them(seed):
    chance = random.Random(seed)
    for _ in range(200):
        pieces = [b'--x', b'\r\n', FIELD, b'\r\n\r\n', b'1', b'\r\n', b'--x--']
        for _ in range(chance.randrange(6)):
            place = chance.randrange(len(pieces) + 1)
            pieces[place:place + chance.randrange(2)] = [chance.choice(PIECES)]
        data = b''.join(pieces)
        form, (fields, files) = parse_form(KIND, data), read_by_werkzeug(data)
        # Without a name it is no field here.
        fields.pop(None, None)
        files.pop(None, None)
        assert fields_of(form) == fields, data
        assert form.parts.items() >= files.items(), data


TEXTS = [b'%41', b'%', b'%%', b'%4', b'%zz', b'+', b'=', b'a', b'%FF', b'%C3', b'%A9', b'%c3%a9',
         b'\xc3\xa9', b'%ED%A0%80', b'%ED%B2%80', b'%F0%9F%98%80',
         b'%F0%9F', b'\xf0\x9f\x98\x80', b'%26', b'%00']


@pytest.mark.parametrize('times', [1, 2000])
@pytest.mark.parametrize('seed', range(10))
def test_a_urlencoded_form_is_read_as_werkzeug_reads_it(seed, times):
    chance = random.Random(seed)
    for _ in range(100 if times == 1 else 2):
        data = b''.join(chance.choice([*TEXTS, b'&', b'&data='])
                        for _ in range(chance.randrange(9))) * times
        data = b'data=' + data.replace(b'&', b'', max(0, data.count(b'&') - 9999))
        parser = FormDataParser()
        _, fields, _ = parser.parse(io.BytesIO(data), URLENCODED, len(data), {})
        assert fields_of(parse_form(URLENCODED, data)) == fields.to_dict(), data[:99]


def test_a_urlencoded_escape_may_lie_anywhere():
    """Long ones are undone in pieces of a megabyte."""
    for start in range(3):
        data = b'data=' + b'a' * start + b'%c3%A9' * 400_000
        assert parse_form(URLENCODED, data).fields == {
            'data': b'a' * start + 'é'.encode() * 400_000}


def refused(error, reason, data, kind=KIND):
    with pytest.raises(error, match=reason):
        parse_form(kind, data)


def test_a_head_has_a_limit():
    for head in (FIELD + b'\r\nX-A: ' + b'b' * 20_000, (FIELD + b'\r\n' + b'a:b\r\n' * 5000)[:-2],
                 b'Content-Disposition: form-data; name="' + b'n' * 20_000_000 + b'"',
                 FIELD + b'\r\n ' * 20_000):
        refused(PayloadTooLarge, 'The head of a part of the form is larger than 16384 bytes',
                body((head, b'1')))


def test_all_heads_together_have_a_limit():
    head = FIELD + b'\r\nX-A: ' + b'b' * 15_000
    refused(PayloadTooLarge, 'heads of the parts of the form are larger than 1048576 bytes',
            body(*[(head, b'1')] * 100))
    assert parse_form(KIND, body(*[(head, b'1')] * 60)).fields == {'data': b'1'}


def test_a_boundary_has_a_limit():
    data = body((FIELD, b'1')).replace(b'--x', b'--' + b'y' * 200)
    assert parse_form(KIND[:-1] + 'y' * 200, data).fields == {'data': b'1'}
    refused(BadRequest, 'boundary of the form is longer than 200 characters', data,
            KIND[:-1] + 'y' * 201)


def test_a_boundary_that_is_everywhere_is_refused():
    refused(BadRequest, 'in the data of its parts more than 10000 times',
            body((FIELD, b'\n--xy' * 20_000)))
    data = b'a' + b'--x' * 5000
    assert parse_form(KIND, body((FIELD, data))).fields == {'data': data}

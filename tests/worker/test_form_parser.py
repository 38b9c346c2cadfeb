"""Forms taken apart: by whichever parser, the same comes out."""

import io

import pytest
from werkzeug.formparser import FormDataParser

from mms.worker import form_parser
from mms.worker.form_parser import Part, parse_form

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


@pytest.mark.parametrize('data', [*PLAIN.values(), *UNUSUAL.values()],
                         ids=[*PLAIN, *UNUSUAL])
def test_a_form_is_read_as_werkzeug_reads_it(data):
    form, (fields, files) = parse_form(KIND, bytearray(data)), read_by_werkzeug(data)
    assert form.fields == fields
    assert form.parts.items() >= files.items()
    # Of the bytes of a field that is no text, Werkzeug keeps what is left of them as text.
    assert set(form.parts) - set(files) == {
        name for name, text in fields.items() if '\ufffd' in text and data in PLAIN.values()}


@pytest.mark.parametrize('data', PLAIN.values(), ids=PLAIN)
def test_a_plain_form_is_read_without_werkzeug(data, monkeypatch):
    monkeypatch.setattr(form_parser, 'FormDataParser', None)
    assert parse_form(KIND, data) is not None

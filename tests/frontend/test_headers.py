import io

import pytest
from gevent.pywsgi import headers_factory

from mms.frontend.headers import plain_headers, read_block

PLAIN = (b'Host: x\r\nContent-Type:  text/plain; a=b \r\nX-Twice: 1\r\nx-twice: 2\r\n'
         b"A!#$%&'*+.^`|~b_c-d:\tx:y\r\nEmpty:\r\n\r\n")


def test_plain_lines_are_what_pythons_parser_makes_of_them():
    found, expected = plain_headers(PLAIN), headers_factory(io.BytesIO(PLAIN), 0)
    for name in ('host', 'CONTENT-TYPE', 'X-Twice', 'Empty', 'None', "A!#$%&'*+.^`|~b_c-d"):
        assert found.get(name, 'no') == expected.get(name, 'no')
        assert found.getheader(name) == expected.getheader(name)
    assert found.typeheader == expected.typeheader == 'text/plain; a=b '
    assert [tuple(line.strip().split(':', 1)) for line in found.headers] == [
        tuple(line.strip().split(':', 1)) for line in
        (f'{name}:{value}' for name, value in
         (line.decode().rstrip('\r\n').split(':', 1) for line in PLAIN.splitlines()[:-1]))]


def test_a_header_can_be_taken_out():
    found = plain_headers(PLAIN)
    del found['X-TWICE'], found['none']
    assert found.get('x-twice') is None
    assert not any('wice' in line for line in found.headers)
    assert [name for name, _ in found.pairs()][:3] == ['Host', 'Content-Type',
                                                       "A!#$%&'*+.^`|~b_c-d"]


@pytest.mark.parametrize('block', [
    b'', b'Host: x\r\n', b'Host: x\n\n', b'Host: x\r\n y\r\n\r\n', b'Host : x\r\n\r\n',
    b'Host\r\n\r\n', b': x\r\n\r\n', b'Host: \xe9\r\n\r\n', b'Host: a\x0bb\r\n\r\n',
    b'Host: a\rb\r\n\r\n', b'a: b\r\n' * 100 + b'\r\n',
])
def test_what_is_not_plain_is_left_to_pythons_parser(block):
    assert plain_headers(block) is None


def test_no_more_is_read_than_a_head_and_no_head_without_end():
    stream = io.BytesIO(PLAIN + b'body')
    assert read_block(stream) == PLAIN
    assert stream.read() == b'body'
    assert read_block(io.BytesIO(b'a: b\r\n' * 1000)) == b'a: b\r\n' * 101
    assert len(read_block(io.BytesIO(b'a' * 1_000_000))) == 65537

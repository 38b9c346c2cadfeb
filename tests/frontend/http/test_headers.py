import io

import pytest
from gevent.pywsgi import headers_factory

from mms.frontend.http.headers import BadHead, check_request_line, plain_headers, read_block
from mms.frontend.http.limits import HEAD_BYTES, HEADER_LINES

PLAIN = (b'Host: x\r\nContent-Type:  text/plain; a=b \r\nX-Twice: 1\r\nx-twice: 2\r\n'
         b"A!#$%&'*+.^`|~b_c-d:\tx:y\r\nEmpty:\r\n\r\n")


def test_plain_lines_are_what_pythons_parser_makes_of_them():
    found, expected = plain_headers(PLAIN), headers_factory(io.BytesIO(PLAIN), 0)
    for name in ('host', 'content-type', 'x-twice', 'empty', 'none', "a!#$%&'*+.^`|~b_c-d"):
        assert found.get(name, 'no') == expected.get(name, 'no').strip()
        assert (name in found) is (name in expected)
    assert found.pairs == [(name, value.strip()) for name, value in expected.items()]
    assert found.all('x-twice') == ['1', '2']


@pytest.mark.parametrize('block', [
    b'Host: x\r\n', b'Host: x\r\n y\r\n\r\n', b' y\r\n\r\n', b'Host : x\r\n\r\n',
    b'Host\r\n\r\n', b': x\r\n\r\n', b'H\xe9st: x\r\n\r\n', b'Host: a\x0bb\r\n\r\n',
    b'Host: a\0b\r\n\r\n', b'Host: a\rb\r\n\r\n', b'Host: a\r\r\n\r\n', b'a: b\r\n' * 101 + b'\r\n',
])
def test_what_is_no_header_line_is_refused(block):
    with pytest.raises(BadHead):
        plain_headers(block)


def test_bytes_beyond_ascii_are_latin_1_and_a_bare_line_feed_ends_a_line():
    found = plain_headers(b'A: \x85\xa0\xe9 \x85\nB: 2\n\n')
    assert found.pairs == [('A', '\x85\xa0\xe9 \x85'), ('B', '2')]


@pytest.mark.parametrize('lines', [
    'Transfer-Encoding: identity', 'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, chunked', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: x',
    'Transfer-Encoding: chunked\r\ntransfer-encoding: chunked', 'Transfer-Encoding:',
    'Transfer-Encoding: \xa0chunked', 'Transfer-Encoding: chunked\r\nContent-Length: 3',
    'Content-Length: 3\r\nContent-Length: 4', 'Content-Length: 3, 3', 'Content-Length: +3',
    'Content-Length: -3', 'Content-Length: 1_0', 'Content-Length: 0x3', 'Content-Length:',
    'Content-Length: \xb2', 'Content-Length: ' + '1' * 19,
])
def test_a_body_whose_end_is_in_doubt_is_refused(lines):
    headers = plain_headers(f'Host: x\r\n{lines}\r\n\r\n'.encode('latin-1'))
    with pytest.raises(BadHead):
        headers.check_framing('HTTP/1.1')


def test_a_body_whose_end_is_clear_is_taken():
    for lines in (b'', b'Content-Length: 3 \r\ncontent-length:3\r\n',
                  b'Transfer-Encoding: Chunked\r\n'):
        plain_headers(lines + b'\r\n').check_framing('HTTP/1.1')
    with pytest.raises(BadHead, match='HTTP/1.1 alone'):
        plain_headers(b'Transfer-Encoding: chunked\r\n\r\n').check_framing('HTTP/1.0')


@pytest.mark.parametrize('line', [
    'GET /', 'GET  / HTTP/1.1', 'GET / HTTP/1.1 ', ' GET / HTTP/1.1', 'GET\t/ HTTP/1.1',
    'GET\x85/ HTTP/1.1', 'GET /\xa0HTTP/1.1', 'GET\x1c/\x1fHTTP/1.1', 'GET /\x0b HTTP/1.1',
    'GET /a b HTTP/1.1', 'GET / HTTP/1.1\r', 'G<T / HTTP/1.1', 'G\xe9T / HTTP/1.1',
    'GET /\xa0 HTTP/1.1', 'GET /a\x85b HTTP/1.1', 'GET /\x00 HTTP/1.1', 'GET / HTTP/1',
    'GET / HTTP/1.1.1', 'GET / HTTP/+1.1', 'GET / HTTP/1.0_1', 'GET / HTTP/1.\xb2',
    'GET / HTTP/0.9', 'GET / http/1.1', '',
])
def test_a_request_line_that_others_could_read_in_another_way_is_refused(line):
    with pytest.raises(BadHead):
        check_request_line(line.encode('latin-1') + b'\r\n')


@pytest.mark.parametrize('line', ['GET / HTTP/1.1\r\n', 'M-SEARCH * HTTP/1.0\n',
                                  'post http://h:1/\xe9%zz?a"b HTTP/1.9\r\n'])
def test_a_plain_request_line_is_taken(line):
    check_request_line(line.encode('latin-1'))


def test_a_request_is_for_one_host():
    plain_headers(b'Host: x\r\nX-Host: y\r\n\r\n').check_host()
    plain_headers(b'\r\n').check_host()
    with pytest.raises(BadHead, match='several Hosts'):
        plain_headers(b'Host: x\r\nhost: x\r\n\r\n').check_host()


def test_no_more_is_read_than_a_head_and_no_head_without_end():
    held = []
    stream = io.BytesIO(PLAIN + b'body')
    assert read_block(stream, HEAD_BYTES, HEADER_LINES, held.append) == PLAIN
    assert (stream.read(), sum(held)) == (b'body', len(PLAIN))
    assert block_of(b'a: b\r\n' * 1000) == b'a: b\r\n' * 102
    assert len(block_of(b'a' * 1_000_000)) == 65537
    with pytest.raises(EOFError):
        block_of(b'a: b\r\n')


def block_of(data):
    return read_block(io.BytesIO(data), HEAD_BYTES, HEADER_LINES, lambda count: None)


@pytest.mark.parametrize('length', [8191, 8192, 8193, 16384, 60_000])
def test_a_long_line_is_read_whole_beside_99_others(length):
    block = b'a: b\r\n' * 99 + b'c: '.ljust(length, b'x') + b'\r\n\r\n'
    assert block_of(block + b'body') == block
    assert plain_headers(block).get('c') == 'x' * (length - 3)

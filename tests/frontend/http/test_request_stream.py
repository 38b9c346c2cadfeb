"""A body as it comes over the wire."""

import io
import random

import pytest
from gevent.pywsgi import Input

from mms.event_loop.yielding import TimeSlice
from mms.frontend.http.limits import HEADER_LINES
from mms.frontend.http.request_stream import ChunkedStream, RequestStream

HEAD_BYTES = 1000


def chunked(wire, asked=()):
    stream = io.BytesIO(wire)
    return ChunkedStream(stream, TimeSlice(), HEAD_BYTES, HEADER_LINES, lambda: list(asked),
                         int), stream


def in_chunks(data, sizes, extension=b'', trailers=b''):
    wire = b''
    for size in sizes:
        piece, data = data[:size], data[size:]
        if piece:
            wire += b'%x%s\r\n%s\r\n' % (len(piece), extension, piece)
    return wire + b'0\r\n' + trailers + b'\r\n'


@pytest.mark.parametrize('seed', range(50))
def test_chunks_are_read_as_by_gevents_reader(seed):
    dice = random.Random(seed)
    data = dice.randbytes(dice.randrange(2000))
    sizes = [dice.randrange(1, 300) for _ in range(200)] + [2000]
    wire = in_chunks(data, sizes, dice.choice([b'', b';a', b';a=b', b';a="b c"']),
                     dice.choice([b'', b'X-A: b\r\n', b'A: b\r\nC:\r\n'])) + b'next'
    ours, stream = chunked(wire)
    theirs = io.BytesIO(wire)
    reader = Input(theirs, None, chunked_input=True)
    while True:
        size = dice.choice([-1, 1, 7, 100, 5000])
        piece = ours.read(size)
        assert piece == reader.read(size)
        if not piece:
            break
    assert ours.is_over
    assert stream.read() == theirs.read() == b'next'
    assert ours.read(10) == b''


@pytest.mark.parametrize('wire', [
    b'x\r\n', b'\r\n', b'5\nabcde\r\n', b'-1\r\n', b'0x5\r\nabcde\r\n', b' 5\r\nabcde\r\n',
    b'5\r\nabcdeX\r\n', b'5\r\nabcde\n0\r\n\r\n', b'1' * 17 + b'\r\n',
    b'5;' + b'a' * 9000 + b'\r\n', b'5;a\x00\r\nabcde\r\n', b'0\r\nno trailer\r\n\r\n',
    b'0\r\n: x\r\n\r\n', b'1_0\r\n',
])
def test_a_broken_chunk_is_an_error(wire):
    body, _ = chunked(wire)
    with pytest.raises(ValueError, match=r'chunk|trailers'):
        b''.join(iter(lambda: body.read(100), b''))
    assert not body.is_over


@pytest.mark.parametrize('wire', [b'5\r\nabc', b'5\r\nabcde', b'0\r\n', b'0\r\nX: y\r\n'])
def test_a_body_that_ends_early_is_an_error(wire):
    body, _ = chunked(wire)
    with pytest.raises(OSError, match='ended before'):
        b''.join(iter(lambda: body.read(100), b''))


def test_trailers_end_soon():
    body, stream = chunked(b'0\r\n' + b'X-A: b\r\n' * 10**5)
    with pytest.raises(ValueError, match='header lines'):
        body.read()
    assert stream.tell() < 2 * HEAD_BYTES
    body, stream = chunked(b'0\r\nX-A: ' + b'b' * 10**6)
    with pytest.raises(ValueError, match='larger than'):
        body.read()
    assert stream.tell() < 2 * HEAD_BYTES


def test_chunks_of_a_byte_are_taken_and_those_that_are_all_extension_are_not():
    data = bytes(30_000)
    body, _ = chunked(in_chunks(data, [1] * len(data)))
    assert body.read() == data
    body, stream = chunked(in_chunks(data[:100], [1] * 100, b';' + b'a' * 5000))
    with pytest.raises(ValueError, match='hardly any data'):
        body.read()
    assert stream.tell() < 100_000


def test_a_body_of_known_length_is_read_no_further():
    stream, asked = io.BytesIO(b'abcdefgh'), []
    body = RequestStream(stream, TimeSlice(), 6, lambda: asked.append(1))
    assert not body.is_begun
    assert body.read(4) == b'abcd'
    assert not body.is_over
    assert body.read() == b'ef'
    assert body.is_over
    assert body.read() == b''
    assert asked == [1]
    assert stream.read() == b'gh'


def test_nobody_is_asked_for_a_body_that_is_empty():
    asked = []
    assert RequestStream(io.BytesIO(b'x'), TimeSlice(), 0, lambda: asked.append(1)).read() == b''
    assert asked == []

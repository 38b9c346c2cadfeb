"""A request's body, as different WSGI servers give it."""

import io

import pytest
from werkzeug.exceptions import ClientDisconnected

from mms.errors import BuffersFull, PayloadTooLarge
from mms.frontend.http.body import read_body
from mms.runtime.byte_budget import PIECE_BYTES, ByteBudget

MOST = 3_000_000


class Broken:
    def read(self, size):
        raise OSError('unexpected end of file')


def environ(data, length=None, **more):
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    return {'wsgi.input': stream, **({} if length is None else {'CONTENT_LENGTH': str(length)}),
            **more}


def chunked(data):
    return environ(data, HTTP_TRANSFER_ENCODING='chunked', **{'wsgi.input_terminated': True})


@pytest.mark.parametrize('size', [0, 5, 2**20, 2**20 + 1, MOST])
def test_a_body_is_read_whole(size):
    data = bytes(size // 2) + b'x' * (size - size // 2)
    assert bytes(read_body(environ(data, size), MOST, ByteBudget())) == data
    assert bytes(read_body(chunked(data), MOST, ByteBudget())) == data


def test_a_body_is_read_no_further_than_its_length():
    stream = io.BytesIO(b'abcdef')
    assert bytes(read_body(environ(stream, 4), MOST, ByteBudget())) == b'abcd'
    assert stream.read() == b'ef'


def test_a_body_without_a_length_is_empty_unless_the_server_knows_its_end():
    assert bytes(read_body(environ(b'abc'), MOST, ByteBudget())) == b''
    chunked = environ(b'abc', HTTP_TRANSFER_ENCODING='chunked')
    assert bytes(read_body(chunked, MOST, ByteBudget())) == b''


def test_a_body_that_is_too_large_is_refused():
    stream = io.BytesIO(b'abcdef')
    with pytest.raises(PayloadTooLarge, match='limit of 3000000 bytes'):
        read_body(environ(stream, MOST + 1), MOST, ByteBudget())
    assert stream.tell() == 0
    with pytest.raises(PayloadTooLarge, match='limit of 3000000 bytes'):
        read_body(chunked(bytes(MOST + 1)), MOST, ByteBudget())


@pytest.mark.parametrize('request_', [
    environ(b'abc', 4), environ(bytes(2_000_000), MOST), environ(Broken(), 4), chunked(Broken()),
])
def test_a_body_that_ends_early_is_the_clients_fault(request_):
    with pytest.raises(ClientDisconnected):
        read_body(request_, MOST, ByteBudget())


def test_a_body_counts_as_held_until_it_is_forgotten():
    budget = ByteBudget()
    body = read_body(environ(bytes(MOST), MOST), MOST, budget)
    assert budget.held_bytes == MOST == len(body)
    assert max(map(len, body)) <= PIECE_BYTES
    del body
    assert budget.held_bytes == 0


def test_a_body_that_finds_no_room_is_refused_and_nothing_of_it_is_held():
    budget = ByteBudget(1_000_000)
    for request in (environ(bytes(MOST), MOST), chunked(bytes(MOST))):
        with pytest.raises(BuffersFull, match=r'1000000 \(--max-buffered-bytes\)'):
            read_body(request, MOST, budget)
        assert budget.held_bytes == 0

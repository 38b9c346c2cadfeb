"""Bytes that are held, and how many may be."""

import random
import threading

import pytest

from mms.errors import BuffersFull
from mms.runtime.byte_budget import PIECE_BYTES, ByteBudget, ChunkedBuffer


def filled(budget, *pieces):
    body = ChunkedBuffer(budget)
    for piece in pieces:
        body.append(piece)
    return body


def test_pieces_count_until_they_are_forgotten():
    budget = ByteBudget(10)
    body = filled(budget, b'abc', bytearray(b'def'))
    assert (len(body), bytes(body), budget.held_bytes) == (6, b'abcdef', 6)
    assert body == b'abcdef' == filled(ByteBudget(), b'ab', b'cdef')
    assert body != b'abc'
    del body
    assert budget.held_bytes == 0


def test_what_finds_no_room_is_refused_and_the_rest_is_as_it_was():
    budget = ByteBudget(5)
    body = filled(budget, b'abc')
    with pytest.raises(BuffersFull) as caught:
        body.append(b'def')
    assert caught.value.retry_after_s == 1
    assert (bytes(body), budget.held_bytes) == (b'abc', 3)


def test_what_was_consumed_counts_no_more():
    budget, seen = ByteBudget(), []
    body = filled(budget, b'a', b'bc', b'def')
    for piece in body.consume():
        seen.append((piece, budget.held_bytes))
    assert seen == [(b'a', 6), (b'bc', 5), (b'def', 3)]
    assert (len(body), budget.held_bytes) == (0, 0)
    half = filled(budget, b'a', b'bc')
    for _ in half.consume():
        break
    del half
    assert budget.held_bytes == 0


def test_no_piece_is_large():
    body, sizes = ChunkedBuffer(ByteBudget()), []

    def read(size):
        sizes.append(size)
        return bytes(size)

    while len(body) < 10**6:
        body.read(read, 10**6 - len(body))
    assert max(sizes) == PIECE_BYTES
    assert sum(sizes) == 10**6


def test_a_piece_counts_before_it_comes_and_then_as_much_as_came():
    budget = ByteBudget(PIECE_BYTES)
    body = ChunkedBuffer(budget)
    assert body.read(lambda size: b'x' * (budget.held_bytes // 2), 10**6) == PIECE_BYTES // 2
    assert budget.held_bytes == len(body) == PIECE_BYTES // 2
    with pytest.raises(BuffersFull):
        body.read(bytes, 10**6)
    body = ChunkedBuffer(budget)
    with pytest.raises(OSError, match='gone'):
        body.read(gone, 100)
    del body
    assert budget.held_bytes == 0


def gone(size):
    raise OSError('gone')


def test_threads_count_together():
    budget = ByteBudget()

    def work():
        for _ in range(2000):
            filled(budget, bytes(random.randrange(100)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert budget.held_bytes == 0

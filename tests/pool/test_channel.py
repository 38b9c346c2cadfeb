"""The front's end of a channel: answers come in pieces, and count."""

import os
import struct

import gevent
import pytest
from gevent import socket

from mms.ipc.channel import Channel
from mms.ipc.messages import Pong, Result
from mms.ipc.request import Entries, Failure, Reply, Request
from mms.pool.channel import FrontChannel
from mms.runtime.byte_budget import PIECE_BYTES, ByteBudget


@pytest.fixture
def ends():
    opened = []

    def ends(limit_bytes):
        here, there = socket.socketpair()
        budget = ByteBudget(limit_bytes)
        opened.extend([here, there])
        return FrontChannel(here, budget), Channel(there), budget

    yield ends
    for sock in opened:
        sock.close()


def answers(*sizes):
    return Result(list(range(len(sizes))), [Reply(b'%d' % (number % 10) * size, {'inference': 1.0})
                                      for number, size in enumerate(sizes)])


def exchange(front, worker, message):
    sending = gevent.spawn(worker.send, message)
    received = front.receive()
    sending.get()
    return received


def test_an_answer_comes_in_pieces_that_count_until_it_is_forgotten(ends):
    front, worker, budget = ends(10**8)
    result = exchange(front, worker, answers(10**6, 0, 5))
    assert [len(answer.content) for answer in result.answers] == [10**6, 0, 5]
    assert max(map(len, result.answers[0].content)) <= PIECE_BYTES
    assert result.answers[2].body == b'22222'
    assert budget.held_bytes == 10**6 + 5
    del result
    assert budget.held_bytes == 0


def test_descriptors_that_a_service_sends_do_not_stay(ends):
    front, worker, _ = ends(10**6)
    before = sorted(os.listdir('/proc/self/fd'))
    with open('/dev/null') as sent:
        packed = struct.pack('3i', *[sent.fileno()] * 3)
        for _ in range(5):
            worker._socket.sendmsg([b'\x10'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, packed)])
            worker._socket.sendall(struct.pack('!IQ', 14, 0) + b'{"reason": ""}')
            assert front.receive() == Pong('')
    assert sorted(os.listdir('/proc/self/fd')) == before


def test_an_answer_without_room_is_an_error_and_the_others_arrive(ends):
    front, worker, budget = ends(10**6)
    result = exchange(front, worker, answers(600_000, 600_000, 300_000, 7))
    first, second, third, last = result.answers
    assert (len(first.content), len(third.content), last.body) == (600_000, 300_000, b'3' * 7)
    assert isinstance(second, Failure)
    assert second.error == 'BuffersFull'
    assert '--max-buffered-bytes' in second.message
    del result, first, third, last
    assert budget.held_bytes == 0
    assert exchange(front, worker, answers(3)).answers[0].body == b'000'


def test_entries_without_room_are_an_error_and_the_others_arrive(ends):
    front, worker, budget = ends(10**6)
    requests = [Request('entry', '', bytes([48 + number]) * 600_000) for number in range(3)]
    result = exchange(front, worker, Result([0, 1], [Entries('data', requests), Reply(b'1')]))
    failure, last = result.answers
    assert (failure.error, last.body) == ('BuffersFull', b'1')
    assert budget.held_bytes == 1
    result = exchange(front, worker, Result([0], [Entries('data', requests[:1])]))
    [request] = result.answers[0].requests
    assert (request.body, budget.held_bytes) == (requests[0].content, 600_001)


def test_an_answer_that_never_fits_says_so(ends):
    front, worker, budget = ends(10**6)
    [failure] = exchange(front, worker, answers(10**6 + 1)).answers
    assert failure == Failure('InferenceError', 'The answer has 1000001 bytes, more than the '
                              'server may hold at all, 1000000 (--max-buffered-bytes).')
    assert budget.held_bytes == 0
    assert exchange(front, worker, answers(3)).answers[0].body == b'000'


def test_others_have_their_turn_while_a_large_answer_comes(ends):
    front, worker, _ = ends(10**9)
    turns = []

    def other():
        while True:
            turns.append(1)
            gevent.sleep(0.001)

    going = gevent.spawn(other)
    exchange(front, worker, answers(200 * 10**6))
    going.kill()
    assert len(turns) > 20


def test_what_a_service_says_is_cut(ends):
    front, worker, _ = ends(10**6)
    result = exchange(front, worker, Result([0], [Failure('BadRequest', 'x' * 10**7)],
                                            refusal='y' * 10**7))
    assert len(result.answers[0].message) < 10_000
    assert result.answers[0].message.endswith('more characters]')
    assert len(result.refusal) < 10_000


def test_a_header_without_end_is_no_message(ends):
    front, worker, _ = ends(10**6)
    worker._socket.sendall(b'\x0a' + (2**31).to_bytes(4, 'big') + bytes(8))
    with pytest.raises(ValueError, match='header of 2147483648 bytes'):
        front.receive()


def test_what_came_of_an_answer_without_room_does_not_count_while_the_rest_comes(ends):
    front, worker, budget = ends(10**6)
    budget.reserve(300_000)
    held = []
    passing_over = front._pass_over
    front._pass_over = lambda size: (held.append(budget.held_bytes), passing_over(size))
    exchange(front, worker, answers(900_000))
    assert held == [300_000]

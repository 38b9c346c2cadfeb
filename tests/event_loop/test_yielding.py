"""Greenlets that give way, and what the loop does before they go on."""

import socket
import threading
import time

import gevent
import pytest
from gevent import socket as gsocket

from mms.event_loop.yielding import PollTracker, RunQueue, TimeSlice, yield_if_due, yield_now


def test_those_who_gave_way_go_on_in_their_order():
    order = []

    def work(name):
        for step in range(3):
            order.append((step, name))
            yield_now()

    gevent.joinall([gevent.spawn(work, name) for name in 'abc'])
    assert order == [(step, name) for step in range(3) for name in 'abc']


def test_a_socket_that_is_ready_comes_before_most_of_those_who_gave_way():
    here, there = gsocket.socketpair()
    turns = []

    def answers():
        here.sendall(here.recv(1))

    def works():
        while not done.is_set():
            turns.append(1)
            ends = time.monotonic() + 0.0003
            while time.monotonic() < ends:
                pass
            yield_now()

    done = gevent.event.Event()
    answering = gevent.spawn(answers)
    working = [gevent.spawn(works) for _ in range(50)]
    for _ in range(5):
        yield_now()
    before = len(turns)
    # By the kernel: the loop has not been told of it.
    socket.socket.send(there._sock, b'x')
    answering.join()
    assert len(turns) - before < 10
    done.set()
    gevent.joinall(working)
    for sock in (here, there):
        sock.close()


def busy(seconds):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        pass


def test_of_many_who_are_ready_at_once_a_few_go_on_before_a_socket_is_looked_at():
    pairs = [gsocket.socketpair() for _ in range(60)]
    began = []

    def works(here):
        here.recv(1)
        yield_if_due()
        began.append(here)
        if len(began) == 1:
            # By the kernel: the loop has not been told of it.
            socket.socket.send(there._sock, b'x')
        busy(0.001)

    def answers():
        here.sendall(here.recv(1))
        seen.append(len(began))

    seen = []
    here, there = gsocket.socketpair()
    greenlets = [gevent.spawn(works, first) for first, _ in pairs]
    answering = gevent.spawn(answers)
    gevent.sleep(0.01)
    for _, second in pairs:
        socket.socket.send(second._sock, b'x')
    gevent.joinall([*greenlets, answering], timeout=10)
    assert len(began) == 60
    assert seen[0] < 40
    for sock in (here, there, *(sock for pair in pairs for sock in pair)):
        sock.close()


def test_those_who_end_keep_no_others_waiting():
    ended, worked = [], []

    def ends():
        yield_if_due(RunQueue.END)
        ended.append(1)
        busy(0.0006)

    def works():
        yield_if_due()
        worked.append(len(ended))

    def late():
        yield_if_due()
        busy(0.02)

    greenlets = [gevent.spawn(work) for work in (late, *[ends] * 50, works)]
    gevent.joinall(greenlets, timeout=10)
    assert len(ended) == 50
    assert worked[0] < 10


def test_who_is_killed_while_it_waits_holds_up_nobody():
    def waits():
        yield_now()
        went_on.append(1)

    went_on = []
    first, second = gevent.spawn(waits), gevent.spawn(waits)
    gevent.sleep(0)
    first.kill()
    second.get(timeout=5)
    assert went_on == [1]
    # The loop sleeps again where it has nothing to do.
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.01):
        gevent.get_hub().wait(gevent.get_hub().loop.timer(60))


def test_a_turn_ends_by_time(monkeypatch):
    now, given = [100.0], []
    monkeypatch.setattr('mms.event_loop.yielding.time.monotonic', lambda: now[0])
    monkeypatch.setattr('mms.event_loop.yielding.yield_now', lambda: given.append(now[0]))
    time_slice = TimeSlice()
    for now[0] in (100.0, 100.0002, 100.0004, 100.0006, 100.001, 100.5):
        time_slice.yield_if_over()
    assert given == [100.0, 100.0006, 100.5]


def test_each_thread_has_a_line_of_its_own():
    def work():
        gevent.joinall([gevent.spawn(yield_now) for _ in range(3)])
        done.append(1)
        gevent.get_hub().destroy(destroy_loop=True)

    done = []
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield_now()
    assert done == [1, 1]


def test_who_has_waited_gives_way_to_nobody(monkeypatch):
    given = []
    monkeypatch.setattr('mms.event_loop.yielding.yield_now', lambda: given.append(1))
    polls = PollTracker()
    polls.yield_unless_polled()
    assert given == []
    polls.yield_unless_polled()
    assert given == [1]
    gevent.sleep(0.001)
    polls.yield_unless_polled()
    assert given == [1]

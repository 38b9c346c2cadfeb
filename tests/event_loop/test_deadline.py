"""A time limit counts from when it is set, and what has come in time is not late."""

import time

import gevent
import pytest
from gevent import socket

from mms.event_loop.deadline import Deadline


@pytest.fixture
def deadline():
    deadline = Deadline()
    yield deadline
    deadline.close()


def test_what_comes_while_the_loop_is_held_up_is_not_late(deadline):
    ours, theirs = socket.socketpair()

    def hold_up():
        theirs.send(b'it')
        time.sleep(0.2)

    with ours, theirs:
        gevent.spawn(hold_up)
        deadline.set(0.1)
        assert ours.recv(10) == b'it'


def test_a_limit_is_no_shorter_for_what_held_up_the_loop_before(deadline):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        gevent.spawn(theirs.send, b'it')
        ours.recv(10)
        time.sleep(0.3)
        began = time.monotonic()
        deadline.set(0.2)
        with pytest.raises(Deadline):
            gevent.sleep(5)
    assert time.monotonic() - began > 0.19

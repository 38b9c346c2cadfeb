import threading

import gevent
import pytest

from mms.event_loop.in_thread import in_thread


def test_it_returns_what_another_thread_returned_while_the_loop_turns():
    turns = []
    ticker = gevent.spawn(lambda: [turns.append(gevent.sleep(0.01)) for _ in range(1000)])
    release = threading.Event()
    gevent.spawn_later(0.1, release.set)
    assert in_thread(lambda: release.wait(10) and threading.get_ident()) != threading.get_ident()
    ticker.kill()
    assert turns


def test_it_raises_what_the_work_raised_and_prints_nothing(capfd):
    with pytest.raises(ZeroDivisionError):
        in_thread(lambda: 1 / 0)
    assert capfd.readouterr() == ('', '')

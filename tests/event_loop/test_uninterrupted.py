"""Work that a greenlet does to its end."""

import threading

import gevent
import pytest
from gevent.event import Event

from mms.event_loop.uninterrupted import UninterruptedExitStack, uninterrupted


def test_what_the_work_returns_or_raises_is_the_callers():
    assert uninterrupted(lambda: 3) == 3
    with pytest.raises(KeyError):
        uninterrupted(lambda: {}['a'])


@pytest.mark.parametrize('kills', [1, 3])
def test_a_killed_greenlet_ends_after_its_work(kills):
    told, may_end = [], Event()

    def work():
        may_end.wait()
        told.append('done')

    def run():
        uninterrupted(work)
        told.append('never')

    greenlet = gevent.spawn(run)
    gevent.sleep(0.01)
    for _ in range(kills):
        greenlet.kill(block=False)
        gevent.sleep(0.01)
    assert told == []
    may_end.set()
    greenlet.join()
    assert told == ['done']
    assert isinstance(greenlet.value, gevent.GreenletExit)


def test_a_timeout_is_raised_after_the_work():
    told = []
    with pytest.raises(TimeoutError), gevent.Timeout(0.01, TimeoutError()):
        uninterrupted(lambda: (gevent.sleep(0.1), told.append('done')))
    assert told == ['done']


class Stop(BaseException):
    """What a runner of tests throws."""


@pytest.mark.parametrize(('thrown', 'error'), [
    ([KeyboardInterrupt, KeyboardInterrupt], KeyboardInterrupt),
    ([gevent.GreenletExit, KeyboardInterrupt, SystemExit], SystemExit), ([Stop], Stop)])
def test_who_is_told_twice_to_stop_waits_for_nothing(thrown, error):
    forever, caught = Event(), []

    def wait():
        try:
            uninterrupted(forever.wait)
        except BaseException as raised:
            caught.append(type(raised))

    waiting = gevent.spawn(wait)
    gevent.sleep(0)
    for each in thrown:
        assert not caught
        gevent.get_hub().loop.run_callback(waiting.throw, each)
        gevent.sleep(0.01)
    assert caught == [error]
    forever.set()


def test_a_thread_without_greenlets_gets_none():
    found = []

    def run():
        from gevent._hub_local import get_hub_if_exists
        found.append(uninterrupted(threading.current_thread))
        found.append(get_hub_if_exists())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [thread, None]


@pytest.mark.parametrize('failure', [None, ValueError('why')])
def test_kills_during_the_end_of_a_block_lose_neither_a_step_nor_the_error(failure):
    steps = []

    def run():
        with UninterruptedExitStack() as undo:
            undo.callback(lambda: (gevent.sleep(0.03), steps.append('first')))
            undo.callback(lambda: (gevent.sleep(0.03), steps.append('last')))
            if failure:
                raise failure

    greenlet = gevent.Greenlet(run)
    greenlet.start()
    for _ in range(5):
        gevent.sleep(0.005)
        greenlet.kill(block=False)
    greenlet.join()
    assert steps == ['last', 'first']
    assert greenlet.exception is failure

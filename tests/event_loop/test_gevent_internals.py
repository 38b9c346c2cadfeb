"""What the package relies on of gevent beyond its documented interface.

A version of gevent that lacks any of it fails here, by name, and not in a server. All of this
holds for gevent 22.10.2, the oldest that is allowed, and for 26.9.0.
"""

import inspect
import threading
import time

import gevent
import pytest
from gevent import pywsgi, socket
from gevent._hub_local import get_hub_if_exists
from gevent.event import AsyncResult, Event
from gevent.hub import Hub, Waiter
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer

from mms.event_loop.deadline import Deadline
from mms.frontend.http.server import HTTPServer


def in_thread(work):
    """What `work` returns in a thread that has used no gevent before."""
    returned = []
    thread = threading.Thread(target=lambda: returned.append(work()))
    thread.start()
    thread.join()
    return returned[0]


def overridden(cls, base):
    """Methods of `cls` that stand for one of its base's, by name."""
    return sorted(name for name, value in vars(cls).items()
                  if inspect.isfunction(value) and not name.startswith('__')
                  and hasattr(base, name))


# Of mms.event_loop, mms.serving.embedding and mms.frontend.http.server.
def test_a_thread_without_a_hub_can_be_told_without_making_one():
    assert in_thread(lambda: [get_hub_if_exists(), get_hub_if_exists()]) == [None, None]
    assert isinstance(in_thread(lambda: gevent.get_hub() and get_hub_if_exists()), Hub)


def test_what_is_printed_of_a_failed_greenlet_can_be_taken_over(monkeypatch):
    told = []
    monkeypatch.setattr(gevent.get_hub(), 'print_exception',
                        lambda *words: told.append(words[1]), raising=False)
    assert callable(Hub.print_exception)
    gevent.spawn(lambda: 1 / 0).join()
    assert told == [ZeroDivisionError]


def test_a_hub_says_which_errors_are_none(monkeypatch):
    told = []
    hub = gevent.get_hub()
    monkeypatch.setattr(hub, 'print_exception', lambda *words: told.append(words[1]))
    assert gevent.GreenletExit in Hub.NOT_ERROR
    assert SystemExit in Hub.SYSTEM_ERROR
    monkeypatch.setattr(hub, 'NOT_ERROR', (*Hub.NOT_ERROR, ZeroDivisionError))
    gevent.spawn(lambda: 1 / 0).join()
    assert told == []


def test_the_loop_counts_each_look_at_its_sockets():
    loop = gevent.get_hub().loop
    before = loop.iteration
    gevent.sleep(0.001)
    gevent.sleep(0.001)
    assert loop.iteration >= before + 2


def test_a_callback_runs_after_each_look_and_while_another_is_idle_the_loop_does_not_wait():
    loop, calls = gevent.get_hub().loop, []
    each, never_idle = loop.check(priority=-2), loop.idle()
    before = loop.iteration
    each.start(lambda: calls.append(loop.iteration))
    never_idle.start(lambda: None)
    began = time.monotonic()
    while len(calls) < 5 and time.monotonic() < began + 5:
        gevent.sleep(0)
    each.stop()
    never_idle.stop()
    assert calls[4] > calls[0] > before
    count = len(calls)
    gevent.sleep(0.01)
    assert len(calls) == count


def test_a_waiter_passes_on_what_it_is_switched_with_and_what_is_thrown_into_it():
    waiter, got = Waiter(gevent.get_hub()), []
    waiting = gevent.spawn(lambda: got.append(waiter.get()))
    gevent.sleep(0)
    gevent.get_hub().loop.run_callback(waiter.switch, 'it')
    waiting.join()
    assert got == ['it']
    killed = gevent.spawn(Waiter(gevent.get_hub()).get)
    gevent.sleep(0)
    killed.kill()
    assert isinstance(killed.value, gevent.GreenletExit)


def test_another_thread_can_have_the_loop_run_something():
    ran, done = [], Event()
    loop = gevent.get_hub().loop
    keeper = loop.async_()
    keeper.start(lambda: None)

    def run(*words):
        ran.append(words)
        done.set()

    threading.Thread(target=loop.run_callback_threadsafe,
                     args=(gevent.spawn_raw, run, 1)).start()
    assert done.wait(5)
    keeper.stop()
    keeper.close()
    assert ran == [(1,)]


def test_another_thread_can_knock():
    knocked = Event()
    knock = gevent.get_hub().loop.async_()
    knock.start(knocked.set)
    threading.Thread(target=knock.send_ignoring_arg, args=(None,)).start()
    assert knocked.wait(5)
    knock.stop()
    knock.close()


def test_a_thread_pool_takes_a_size_up_to_its_largest_and_a_hub_goes_with_its_loop():
    def work():
        hub = gevent.get_hub()
        hub.threadpool.size = min(1, hub.threadpool.maxsize)
        size = hub.threadpool.size
        hub.destroy(destroy_loop=True)
        return size, get_hub_if_exists()

    assert in_thread(work) == (1, None)


def test_an_answer_that_was_waited_for_has_its_error_beside_it():
    result = AsyncResult()
    result.set_exception(KeyError('why'))
    assert result.wait(1) is None
    assert result.ready()
    assert isinstance(result.exception, KeyError)


# Of mms.frontend.http.answer.
def test_dates_are_where_they_were():
    assert pywsgi.format_date_time(0) == b'Thu, 01 Jan 1970 00:00:00 GMT'


# Of mms.event_loop.deadline.
def test_a_limit_that_is_set_anew_has_its_timer_where_gevent_looks():
    deadline = Deadline()
    assert not deadline.pending
    for seconds in (60, 0.01):
        deadline.set(seconds)
        assert deadline.pending
    with pytest.raises(Deadline) as raised:
        gevent.sleep(30)
    assert raised.value is deadline
    deadline.close()
    assert not deadline.pending


# Of mms.frontend.http.server.
def test_what_is_overridden_is_there():
    assert overridden(HTTPServer, WSGIServer) == ['do_handle', 'handle']
    assert {'handler_class', 'max_accept', 'pool', 'close', 'stop', 'start'} <= {
        name for cls in (WSGIServer, *WSGIServer.__mro__) for name in dir(cls)} | {'pool'}


def test_a_pool_of_its_own_holds_the_connections_and_stopping_ends_them():
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen()
    pool = Pool()
    server = WSGIServer(listener, lambda environ, start: [], log=None, spawn=pool)
    server.start()
    client = socket.create_connection(listener.getsockname())
    with gevent.Timeout(5):
        while not server.pool:
            gevent.sleep(0.01)
    assert server.pool is pool
    assert server.socket.getsockname() == listener.getsockname()
    server.stop(timeout=0)
    assert client.recv(10) == b''
    assert not pool
    client.close()


def test_an_accept_that_fails_is_told_with_the_server_as_its_context(monkeypatch):
    told = []
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen()
    server = WSGIServer(listener, lambda environ, start: [], log=None)
    monkeypatch.setattr(gevent.get_hub(), 'print_exception',
                        lambda context, kind, *more: told.append((context, kind)))

    def refuse():
        raise OSError(24, 'no descriptors')

    monkeypatch.setattr(server, 'do_read', refuse)
    server.start()
    with socket.create_connection(listener.getsockname()), gevent.Timeout(5):
        while not told:
            gevent.sleep(0.01)
    server.stop(timeout=0)
    assert told[0] == (server, OSError)

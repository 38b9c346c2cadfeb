"""Several addresses of one server, over real sockets."""

import socket
from contextlib import ExitStack

import gevent
import pytest
import requests
from gevent.event import Event

from mms.bootstrap.listeners import Listeners
from mms.errors import AddressError
from mms.event_loop.in_thread import in_thread
from mms.runtime.byte_budget import ByteBudget


@pytest.fixture
def listeners():
    with ExitStack() as undo:
        yield Listeners(ByteBudget(), undo)


def saying(text):
    def application(environ, start_response):
        start_response('200 OK', [('Content-Length', str(len(text)))])
        return [text]

    return application


def get(port):
    return in_thread(lambda: requests.get(f'http://127.0.0.1:{port}/', timeout=10).content)


def test_each_address_has_its_own_application(listeners):
    ports = {name: listeners.bind(name, '127.0.0.1', 0, '--host') for name in ('http', 'other')}
    for name in ports:
        listeners.listen(name, saying(name.encode()))
    assert {name: get(port) for name, port in ports.items()} == {
        'http': b'http', 'other': b'other'}


def test_an_address_that_is_taken_is_told_before_anything_is_served(listeners):
    port = listeners.bind('http', '127.0.0.1', 0, '--host')
    listeners.listen('http', saying(b''))
    with pytest.raises(AddressError, match=f'port {port} on 127.0.0.1 is already in use'):
        listeners.bind('other', '127.0.0.1', port, '--host')


@pytest.mark.parametrize('reuse_port', [False, True])
@pytest.mark.parametrize('host', ['127.0.0.1', '0.0.0.0'])
def test_two_listeners_of_one_port_are_told_before_either_listens(reuse_port, host):
    with ExitStack() as undo:
        listeners = Listeners(ByteBudget(), undo, reuse_port=reuse_port)
        port = listeners.bind('http', '127.0.0.1', 0, '--host')
        with pytest.raises(AddressError, match=f'port {port} on {host} is that of this server '
                                               'already: give another --port'):
            listeners.bind('other', host, port, '--host')
        listeners.bind('other', '127.0.0.2', port, '--host')


def test_the_drain_waits_for_the_requests_of_every_address(listeners):
    begun, goes_on = Event(), Event()

    def slow(environ, start_response):
        begun.set()
        goes_on.wait()
        return saying(b'slow')(environ, start_response)

    listeners.bind('http', '127.0.0.1', 0, '--host')
    listeners.bind('other', '127.0.0.1', 0, '--host')
    listeners.listen('http', saying(b'quick'))
    listeners.listen('other', slow)
    answer = gevent.spawn(get, listeners.port('other'))
    assert begun.wait(10)
    assert not listeners.drain(0.1, Event())
    goes_on.set()
    assert listeners.drain(10, Event())
    assert answer.get() == b'slow'
    with pytest.raises(requests.ConnectionError):
        get(listeners.port('http'))


def test_a_request_on_a_kept_connection_is_waited_for_though_its_address_was_idle(listeners):
    begun, goes_on = [Event(), Event()], [Event(), Event()]

    def slow(number):
        def application(environ, start_response):
            begun[number].set()
            goes_on[number].wait()
            return saying(b'slow')(environ, start_response)

        return application

    ports = [listeners.bind(name, '127.0.0.1', 0, '--host') for name in ('http', 'other')]
    for number, name in enumerate(('http', 'other')):
        listeners.listen(name, slow(number))
    with socket.create_connection(('127.0.0.1', ports[0])) as kept:
        other = gevent.spawn(get, ports[1])
        assert begun[1].wait(10)
        gevent.sleep(1.1)
        draining = gevent.spawn(listeners.drain, 20, Event())
        gevent.sleep(0.2)
        kept.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
        assert begun[0].wait(10)
        goes_on[1].set()
        assert other.get() == b'slow'
        gevent.sleep(0.2)
        assert not draining.ready()
        goes_on[0].set()
        assert draining.get() is True
        assert kept.recv(1000).endswith(b'slow')

"""What a service manager passes on, and is told; with real servers: tests/server."""

import io
import os
import socket

import pytest

from mms.errors import AddressError
from mms.runtime.service_manager import PassedSockets, ServiceManager

NAMES = ('http', 'metrics')


@pytest.fixture
def third(monkeypatch):
    """Take a descriptor for the first that is passed on."""
    held = []

    def pass_on(sock):
        monkeypatch.setattr('mms.runtime.service_manager._FIRST_FD', sock.fileno())
        held.append(sock)
        return sock.fileno()

    yield pass_on
    for sock in held:
        sock.close()


def told(names, count='1', pid=None):
    return {'LISTEN_PID': str(pid or os.getpid()), 'LISTEN_FDS': count, 'LISTEN_FDNAMES': names}


@pytest.mark.parametrize(('given', 'name'), [
    ('http', 'http'), ('metrics', 'metrics'), ('mms.socket', 'http'), ('', 'http')])
def test_a_socket_is_that_of_its_name_and_a_single_one_without_is_the_first(third, given, name):
    fd, environment = third(socket.create_server(('127.0.0.1', 0))), told(given)
    passed = PassedSockets(NAMES, environment)
    assert environment == {}
    assert passed.names == (name,)
    os.set_inheritable(fd, True)
    assert passed.take(name) == fd
    assert not os.get_inheritable(fd)
    assert passed.names == ()


@pytest.mark.parametrize('environment', [{}, told('http', pid=1), told('', count='0'),
                                         told('http', count='many')])
def test_nothing_is_taken_that_was_passed_to_nobody_or_to_another_process(environment):
    assert PassedSockets(NAMES, environment).names == ()
    assert environment == {}


@pytest.mark.parametrize(('names', 'reason'), [
    ('http:other', "LISTEN_FDNAMES has a socket 'other': give it a name with FileDescriptorName=, "
                   'one of http, metrics'),
    ('http:http', "LISTEN_FDNAMES has two sockets 'http': pass on one"),
    ('', "LISTEN_FDNAMES has a socket '': give it a name")])
def test_two_sockets_have_different_names_that_are_known(names, reason, monkeypatch):
    ends = socket.create_server(('127.0.0.1', 0)), socket.create_server(('127.0.0.1', 0))
    low = sorted(sock.fileno() for sock in ends)
    monkeypatch.setattr('mms.runtime.service_manager._FIRST_FD', low[0])
    try:
        with pytest.raises(AddressError) as raised:
            PassedSockets(NAMES, told(names, count='2'))
    finally:
        for sock in ends:
            sock.close()
    assert str(raised.value).startswith(reason)


@pytest.mark.parametrize('sock', [lambda: socket.socket(socket.AF_UNIX),
                                  lambda: socket.socket(type=socket.SOCK_DGRAM),
                                  lambda: io.FileIO(os.devnull)])
def test_what_is_no_socket_of_tcp_is_refused(third, sock):
    third(sock())
    with pytest.raises(AddressError, match="socket 'metrics' that was passed on .* not one of TCP"):
        PassedSockets(NAMES, told('metrics'))


@pytest.mark.parametrize('sock', [lambda: socket.socket(type=socket.SOCK_DGRAM),
                                  lambda: io.FileIO(os.devnull)])
def test_what_is_no_stream_is_refused(third, sock):
    third(sock())
    with pytest.raises(AddressError, match="socket 'http' that was passed on .* not a stream"):
        PassedSockets(NAMES, told('http'))


def test_the_first_may_be_a_unix_socket(third):
    third(socket.socket(socket.AF_UNIX))
    assert PassedSockets(NAMES, told('http')).names == ('http',)


def test_a_manager_that_is_not_there_is_a_line_in_the_log(tmp_path, caplog):
    environment = {'NOTIFY_SOCKET': str(tmp_path / 'none')}
    ServiceManager(environment).ready('well')
    assert environment == {}
    assert 'is not told READY=1: ' in caplog.text


def test_a_reload_is_told_to_nobody_while_the_server_ends(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / 'notify'))
        manager = ServiceManager({'NOTIFY_SOCKET': str(tmp_path / 'notify')})
        manager.stopping()
        manager.reloading()
        manager.ready('Serving')
        assert listener.recv(1000).startswith(b'STOPPING=1\n')
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.recv(1000)


def test_without_a_manager_nobody_is_told(caplog):
    ServiceManager({}).stopping()
    assert caplog.text == ''

"""Listeners that share a port, as the kernel has them."""

import socket
from contextlib import ExitStack

import pytest

from mms.runtime.reuse_port import is_shared, lead_anywhere, lead_to, listeners_on, share_port


def listener(port=0):
    sock = socket.socket()
    share_port(sock)
    sock.bind(('127.0.0.1', port))
    sock.listen(200)
    sock.setblocking(False)
    return sock


@pytest.fixture
def pair():
    with listener() as first, listener(first.getsockname()[1]) as second:
        if not lead_to(first, 0):
            pytest.skip('the kernel takes no program that leads connections to a listener')
        lead_anywhere(first)
        yield first, second


def accepted(sock):
    count = 0
    while True:
        try:
            connection, _ = sock.accept()
        except BlockingIOError:
            return count
        connection.close()
        count += 1


def counts(pair, clients=40):
    """How many of some clients come to each listener."""
    with ExitStack() as undo:
        for _ in range(clients):
            undo.enter_context(socket.create_connection(pair[0].getsockname()))
        return [accepted(sock) for sock in pair]


def test_connections_go_to_any_of_them_until_they_are_led_to_one(pair):
    assert min(counts(pair)) > 0
    assert lead_to(pair[0], 1)
    assert counts(pair) == [0, 40]
    assert lead_to(pair[0], 0)
    assert counts(pair) == [40, 0]
    lead_anywhere(pair[1])
    assert min(counts(pair)) > 0


def test_a_number_that_there_is_not_leads_nowhere(pair):
    assert lead_to(pair[0], 2)
    assert min(counts(pair)) > 0


def test_those_that_listen_on_a_port_are_counted(pair):
    first, second = pair
    assert [listeners_on(sock) for sock in pair] == [2, 2]
    with socket.create_server(('127.0.0.1', 0)) as other:
        assert listeners_on(other) == 1
    with socket.create_connection(first.getsockname()):
        assert listeners_on(first) == 2
    with socket.socket() as bound:
        share_port(bound)
        bound.bind(first.getsockname())
        assert (listeners_on(bound), listeners_on(first)) == (0, 2)
    second.close()
    assert listeners_on(first) == 1


def test_a_port_is_shared_where_it_was_asked_for():
    with listener() as sock, socket.create_server(('127.0.0.1', 0)) as other:
        assert (is_shared(sock), is_shared(other)) == (True, False)

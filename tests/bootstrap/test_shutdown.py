"""The time that the end of a server takes, over real sockets."""

import json
import socket
import time
from contextlib import ExitStack

import gevent
import pytest
from gevent.event import Event

from mms.bootstrap.listeners import Listeners
from mms.bootstrap.shutdown import Shutdown
from mms.runtime.byte_budget import ByteBudget

TIMEOUT_S = 4
LARGE = bytes(64 * 1024**2)


class Models:
    """Notes when requests are given up."""

    def __init__(self):
        self.given_up_after, self._began = [], time.monotonic()

    def give_up(self):
        self.given_up_after.append(time.monotonic() - self._began)


def reading(environ, start_response):
    """An application that reads the whole body, and answers with more than a client's buffer."""
    environ['wsgi.input'].read()
    start_response('200 OK', [('Content-Length', str(len(LARGE)))])
    return [LARGE]


@pytest.fixture
def listeners():
    with ExitStack() as undo:
        made = Listeners(ByteBudget(), undo)
        made.bind('http', '127.0.0.1', 0, '--host')
        made.listen('http', reading)
        yield made


def shut_down(listeners, delay_s=0.0):
    """Do it, and its models; with how long it has taken."""
    shutdown, models, began = Shutdown(delay_s, TIMEOUT_S, Event()), Models(), time.monotonic()
    shutdown.run(listeners, models)
    shutdown.over()
    return models, time.monotonic() - began


def test_half_a_body_is_answered_within_the_time_and_no_worker_is_called_late(listeners, caplog):
    with socket.create_connection(('127.0.0.1', listeners.port('http'))) as client:
        client.sendall(b'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf')
        gevent.sleep(0.1)
        models, took_s = shut_down(listeners)
        head, _, body = client.recv(10000).partition(b'\r\n\r\n')
    assert took_s < TIMEOUT_S
    assert len(models.given_up_after) == 1
    assert 'have not ended by themselves' not in caplog.text
    assert head.startswith(b'HTTP/1.1 503 ')
    why = 'The server stops, and the request was not answered in time.'
    assert json.loads(body)['message'] == why
    assert why in caplog.text


def test_an_answer_that_nobody_takes_does_not_delay_the_end(listeners):
    with socket.create_connection(('127.0.0.1', listeners.port('http'))) as client:
        client.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
        gevent.sleep(0.5)
        models, took_s = shut_down(listeners)
    assert len(models.given_up_after) == 1
    assert took_s < TIMEOUT_S


def test_nobody_connects_during_the_delay_who_would_get_no_answer(listeners):
    models, took_s = shut_down(listeners, delay_s=TIMEOUT_S - 0.01)
    assert models.given_up_after == []
    assert took_s < TIMEOUT_S

"""What the server keeps of a front's requests: no more than it has to, and no longer."""

import gevent
import pytest
from gevent import socket

from mms.errors import ClientLeft, ModelUnavailable
from mms.fronts.desk import Desk, Services
from mms.fronts.frames import Kind, packed
from mms.fronts.link import Link
from mms.fronts.remote_models import RemoteModels
from mms.ipc.context import NO_CONTEXT
from mms.ipc.request import Reply, Request
from mms.metrics import Metrics
from mms.metrics.server_metrics import ServerMetrics
from mms.runtime.byte_budget import ByteBudget, ChunkedBuffer
from mms.serving.caller import Caller


class Models:
    """Answers nobody before it is told to."""

    def __init__(self):
        self.callers = []
        self.answering = gevent.event.Event()

    def submit(self, name, request, caller):
        self.callers.append(caller)
        self.answering.wait()
        if caller.has_left():
            raise ClientLeft(name)
        return Reply(b'answer')


class Serving:
    """A desk, and the other end of its connection."""

    def __init__(self):
        self.models, self.budget = Models(), ByteBudget()
        here, self.there = socket.socketpair()
        self.desk = Desk(here, Services(self.models, None, None, None, self.budget, {}, None),
                         None)
        self.reader = gevent.spawn(self.desk.link.run)


@pytest.fixture
def serving():
    made = Serving()
    yield made
    made.models.answering.set()
    made.there.close()
    made.reader.join(10)


def asked(number, size, piece=b''):
    return packed(Kind.PREDICT, number, ['m', 'classic', '', tuple(NO_CONTEXT), size, {}], piece)


def wait_for(condition):
    with gevent.Timeout(10):
        while not condition():
            gevent.sleep(0.001)


def test_a_client_that_leaves_at_once_has_left(serving):
    serving.there.sendall(asked(1, 1, b'a') + packed(Kind.LEFT, 1) + asked(2, 1, b'a'))
    wait_for(lambda: len(serving.models.callers) == 2)
    assert [caller.has_left() for caller in serving.models.callers] == [True, False]


def test_what_a_front_has_begun_to_send_ends_with_it(serving):
    serving.there.sendall(asked(1, 300_000) + packed(Kind.PIECE, 1, None, b'a' * 60_000)
                          + asked(2, 1, b'a'))
    wait_for(lambda: serving.models.callers)
    assert serving.budget.held_bytes == 60_001
    serving.there.close()
    serving.reader.join(10)
    serving.desk.over()
    serving.models.answering.set()
    # No search for garbage is waited for.
    wait_for(lambda: serving.budget.held_bytes == 0)


def test_the_server_is_told_once_that_a_client_has_left(serving):
    left = []
    link = Link(serving.there, {}, {})
    send = link.send

    def noted(kind, *words):
        if kind is Kind.LEFT:
            left.append(words)
        send(kind, *words)

    link.send = noted
    models = RemoteModels(ByteBudget(), ServerMetrics(), Metrics((), None))
    models.link = link
    link._handlers.update(models.handlers)
    reading = gevent.spawn(link.run)
    content = ChunkedBuffer(ByteBudget())
    content.append(b'a')
    asking = gevent.spawn(models.submit, 'm', Request('classic', '', content, NO_CONTEXT),
                          Caller(lambda: True))
    wait_for(lambda: left)
    gevent.sleep(0.1)
    assert left == [(1,)]
    serving.models.answering.set()
    with pytest.raises(ClientLeft):
        asking.get(timeout=10)
    models._looking.kill()
    link.close()
    reading.join(10)


def test_who_still_sends_when_the_server_has_gone_is_told_so():
    here, there = socket.socketpair()
    models = RemoteModels(ByteBudget(), ServerMetrics(), Metrics((), None))
    models.link = Link(here, {}, models.handlers)
    content = ChunkedBuffer(ByteBudget())
    for _ in range(100):
        content.append(b'a' * 60_000)
    asking = gevent.spawn(models.submit, 'm', Request('classic', '', content, NO_CONTEXT), Caller())
    wait_for(lambda: len(content) < 6_000_000)
    models.link.close()
    with pytest.raises(ModelUnavailable, match='The server ends'):
        asking.get(timeout=10)
    models._looking.kill()
    there.close()

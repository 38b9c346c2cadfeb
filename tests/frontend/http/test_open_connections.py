"""Which connections a server that ends must wait for."""

import pytest

from mms.frontend.http import open_connections
from mms.frontend.http.open_connections import OpenConnections, Use


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(open_connections.time, 'monotonic', lambda: now[0])
    return now


@pytest.mark.parametrize('use', [Use.WAITING, Use.READING])
def test_one_without_a_request_in_flight_is_awaited_for_a_second(clock, use):
    connections = OpenConnections()
    assert not connections.awaited
    connections.turn_to('a', use)
    clock[0] += 0.9
    assert connections.awaited
    clock[0] += 0.2
    assert not connections.awaited
    assert connections.busy == 0


def test_one_that_answers_is_awaited_until_it_has(clock):
    connections = OpenConnections()
    connections.turn_to('a', Use.BUSY)
    clock[0] += 1000
    assert (connections.awaited, connections.busy) == (True, 1)
    connections.turn_to('a', Use.WAITING)
    assert (connections.awaited, connections.busy) == (True, 0)
    connections.forget('a')
    connections.forget('a')
    assert not connections.awaited

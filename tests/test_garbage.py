"""Memory of the front process, looked after at quiet moments."""

import gc
import weakref

import gevent
import pytest
from fleet import until

from mms import garbage
from mms.garbage import GarbageCollector
from mms.private_memory import private_bytes
from mms.room import Room


class Knot:
    def __init__(self):
        self.me = self


@pytest.fixture
def collector(monkeypatch):
    monkeypatch.setattr(garbage, '_PAUSE_S', 0.05)
    before = gc.get_threshold()
    collector = GarbageCollector(Room())
    yield collector
    collector.stop()
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


def old_knot():
    """A cycle that has outlived the searches among young objects."""
    knot = Knot()
    gc.collect(1)
    gc.collect(1)
    return weakref.ref(knot)


def test_what_is_in_a_cycle_goes_after_a_while(collector):
    assert gc.get_freeze_count() > 0
    knot = old_knot()
    assert knot() is not None
    until(lambda: knot() is None)


def test_where_there_is_much_to_look_through_it_waits(collector, monkeypatch):
    much = [[] for _ in range(garbage._FEW + 1)]
    gc.collect(1)
    gc.collect(1)
    knot = old_knot()
    gevent.sleep(0.3)
    assert knot() is not None
    monkeypatch.setattr(garbage, '_LONGEST_PAUSE_S', 0.1)
    until(lambda: knot() is None)
    assert len(much) > garbage._FEW


def test_python_makes_no_full_search_by_itself(collector):
    before = gc.get_stats()[2]['collections']
    kept = [[[]] for _ in range(200_000)]
    assert gc.get_stats()[2]['collections'] == before
    assert len(kept) == 200_000


def test_what_malloc_keeps_of_large_uploads_goes_back(monkeypatch):
    monkeypatch.setattr(garbage, '_PAUSE_S', 0.05)
    room = Room()
    collector = GarbageCollector(room)
    before = private_bytes()
    uploads = [bytes(60_000) for _ in range(5_000)]
    # The last of them keeps the others, which were freed, in malloc's hands.
    last = uploads[-1]
    room.take(garbage._HELD_BYTES + 1)
    del uploads
    gevent.sleep(0.3)
    assert private_bytes() > before + 200 * 1024**2
    room.give_back(garbage._HELD_BYTES + 1)
    until(lambda: private_bytes() < before + 100 * 1024**2)
    collector.stop()
    assert last

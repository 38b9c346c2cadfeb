"""Memory of the front process, looked after at quiet moments."""

import gc
import subprocess
import sys
import weakref

import gevent
import pytest
from fleet import until
from harness import REPO

from mms.event_loop import garbage
from mms.event_loop.garbage import GarbageCollector
from mms.runtime.byte_budget import ByteBudget

MEGABYTE = 1024**2


class Knot:
    def __init__(self):
        self.me = self


@pytest.fixture
def collector(monkeypatch):
    monkeypatch.setattr(garbage, '_PAUSE_S', 0.05)
    before = gc.get_threshold()
    collector = GarbageCollector(ByteBudget())
    yield collector
    collector.stop()
    assert gc.get_threshold() == before


@pytest.fixture
def nothing_frozen():
    """As in a program that has frozen nothing; the tests are frozen (`tests/conftest.py`)."""
    gc.unfreeze()
    yield
    gc.freeze()


def old_knot():
    """A cycle that has outlived the searches among young objects."""
    knot = Knot()
    gc.collect(1)
    gc.collect(1)
    return weakref.ref(knot)


def test_what_is_in_a_cycle_goes_after_a_while(collector):
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


def test_two_may_run_side_by_side(monkeypatch, nothing_frozen):
    monkeypatch.setattr(garbage, '_PAUSE_S', 0.05)
    before = gc.get_threshold()
    one, other = GarbageCollector(ByteBudget()), GarbageCollector(ByteBudget())
    one.stop()
    one.stop()
    assert gc.get_threshold()[2] == garbage._NEVER
    assert gc.get_freeze_count() > 0
    other.stop()
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


def test_what_the_program_has_frozen_stays_so(monkeypatch):
    monkeypatch.setattr(garbage, '_PAUSE_S', 0.05)
    gc.freeze()
    GarbageCollector(ByteBudget()).stop()
    assert gc.get_freeze_count() > 0


# A heap of its own: that of the tests has room for much.
UPLOADS = f"""
import gevent
from mms.event_loop import garbage
from mms.runtime.private_memory import private_bytes
from mms.runtime.byte_budget import ByteBudget

garbage._PAUSE_S = 0.05
budget = ByteBudget()
collector = garbage.GarbageCollector(budget)
before = private_bytes()
for _ in range(2):
    uploads = [bytes(60_000) for _ in range(5_000)]
    # It keeps the others, which are freed, in the hands of malloc.
    last = uploads[-1]
    budget.reserve(garbage._HELD_BYTES + 1)
    del uploads
    gevent.sleep(0.3)
    assert private_bytes() > before + 200 * {MEGABYTE}
    budget.release(garbage._HELD_BYTES + 1)
    with gevent.Timeout(30):
        while private_bytes() > before + 100 * {MEGABYTE}:
            gevent.sleep(0.3)
"""


def test_what_malloc_keeps_of_large_uploads_goes_back():
    subprocess.run([sys.executable, '-c', UPLOADS], cwd=REPO, check=True, timeout=120)

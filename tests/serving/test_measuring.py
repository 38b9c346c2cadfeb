import time
from types import SimpleNamespace

import gevent
import pytest
from fleet import until

from mms.errors import ServiceError
from mms.ipc.findings import Findings
from mms.serving import measuring
from mms.serving.measuring import Measuring
from mms.serving.measuring_turns import MeasuringTurns

FOUND = Findings((1,), 4)


class Model:
    """A model whose measuring takes a moment, and comes out as is said."""

    def __init__(self, name, *outcomes, settles=()):
        self.name = name
        self.load_message = name
        self.is_measured = False
        self.known = []
        self.settles = list(settles)
        self.outcomes = list(outcomes)
        self.workers = SimpleNamespace(ready=SimpleNamespace(findings=FOUND),
                                       settle_beside=self.settle)

    def measure(self, known):
        self.known.append(known)
        gevent.sleep(0.01)
        outcome = self.outcomes.pop(0) if self.outcomes else True
        if isinstance(outcome, Exception):
            raise outcome
        self.is_measured = True
        return outcome

    def settle(self):
        return self.settles.pop(0) if self.settles else True


class Store(dict):
    """Entries in memory."""

    def entry(self, name):
        return SimpleNamespace(read=lambda: self.get(name),
                               write=lambda found: self.update({name: found}))


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(measuring, '_QUIET_S', 0.05)
    monkeypatch.setattr(measuring, '_SELDOM_S', 0.01)
    monkeypatch.setattr(measuring, '_LOOK_S', 0.001)


@pytest.fixture
def measure():
    """What is kept after some models were measured, and the order in which that came."""
    made = []

    def of(*models, busy=lambda: 0, store=None, turns=None):
        store, order = Store() if store is None else store, []
        one = Measuring(turns or MeasuringTurns(), busy, store,
                        lambda model: order.append(model.name))
        made.append(one)
        for model in models:
            one.begin(model)
        until(lambda: all(not tasks._greenlets for tasks in one._tasks.values()), 20)
        return store, order

    yield of
    for one in made:
        one.stop()


def test_models_are_measured_one_after_the_other_and_what_was_found_is_kept(measure):
    models = [Model('a'), Model('b')]
    assert measure(*models) == ({'a': FOUND, 'b': FOUND}, ['a', 'b'])
    assert [model.known for model in models] == [[None], [None]]


def test_what_is_kept_is_not_measured_again(measure):
    model = Model('a', False)
    other = Findings((1,), 2)
    store, _ = measure(model, store=Store(a=other))
    assert model.known == [other]
    assert store == {'a': other}


def test_what_a_model_cannot_be_measured_with_is_measured_again(measure):
    model, other = Model('a', ServiceError('it ended')), Findings((1,), 2)
    store, _ = measure(model, store=Store(a=other))
    assert model.known == [other, None]
    assert store == {'a': FOUND}


def test_the_files_of_one_model_are_read_at_a_time(measure):
    class Slow(Store):
        def entry(self, name):
            reading.append(name)
            most.append(len(reading))
            time.sleep(0.02)
            reading.remove(name)
            return super().entry(name)

    reading, most = [], []
    measure(*map(Model, 'abc'), store=Slow())
    assert most == [1, 1, 1]


def test_a_model_of_which_all_is_known_is_left_alone(measure):
    model = Model('a')
    model.is_measured = True
    assert measure(model) == ({}, [])
    assert not model.known


def test_what_was_measured_beside_others_is_measured_again_and_not_kept(measure):
    model = Model('a', False, True)
    assert measure(model)[0] == {'a': FOUND}
    assert len(model.known) == 2
    never = Model('b', False, False, False)
    assert measure(never) == ({}, ['b'] * 3)


def test_what_was_measured_beside_requests_is_measured_again(measure):
    model = Model('a')
    store, _ = measure(model, busy=lambda: int(len(model.known) == 1 and not model.is_measured))
    assert store == {'a': FOUND}
    assert len(model.known) == 2


def test_a_model_that_cannot_be_measured_is_told_and_not_kept(measure, caplog):
    model = Model('a', *[ServiceError('it ended')] * 3)
    assert measure(model) == ({}, [])
    assert ('Model a could not be measured: it ended. It is served as it is.'
            in caplog.messages)


def test_the_number_of_workers_is_measured_until_no_request_comes_between(measure):
    model = Model('a', settles=[False, True])
    measure(model)
    assert model.settles == []


def test_a_model_that_ends_is_measured_no_more():
    model, one = Model('a'), Measuring(MeasuringTurns(), lambda: 0, None, lambda model: None)
    one.begin(model)
    one.end(model)
    gevent.sleep(0.05)
    assert not model.is_measured


def test_nothing_is_measured_while_a_model_loads(measure):
    turns, model = MeasuringTurns(), Model('a')
    turn = turns.turn()
    gevent.spawn_later(0.1, lambda: (model.outcomes.append(not model.known), turn.leave()))
    measure(model, turns=turns)
    assert model.is_measured

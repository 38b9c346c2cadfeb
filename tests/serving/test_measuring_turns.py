"""Whose turn it is to be measured."""

import gevent
import pytest

from mms.serving.measuring_turns import MeasuringTurns


class Models:
    """Each loads, waits for its turn, is measured, and leaves."""

    def __init__(self, count):
        turns = MeasuringTurns()
        self.turns = [turns.turn() for _ in range(count)]
        self.measured = []

    def take(self, number):
        self.turns[number].take()
        self.measured.append(number)

    def spawn(self, number):
        greenlet = gevent.spawn(self.take, number)
        gevent.sleep(0.01)
        return greenlet


def test_nobody_is_measured_before_all_are_loaded():
    models = Models(3)
    models.spawn(0)
    models.spawn(1)
    assert models.measured == []
    models.spawn(2)
    assert models.measured == [0]


def test_one_is_measured_after_the_other():
    models = Models(3)
    for number in range(3):
        models.spawn(number)
    for number in range(3):
        assert models.measured == list(range(number + 1))
        models.turns[number].leave()
        gevent.sleep(0.01)


@pytest.mark.parametrize('leaves', ['arrive', 'leave'])
def test_one_that_is_not_measured_or_does_not_load_keeps_nobody_waiting(leaves):
    models = Models(2)
    models.spawn(0)
    getattr(models.turns[1], leaves)()
    gevent.sleep(0.01)
    assert models.measured == [0]


def test_a_turn_is_taken_and_left_once_however_often_that_is_said():
    models = Models(2)
    models.turns[1].arrive()
    for _ in range(2):
        models.take(0)
    models.spawn(1)
    for _ in range(2):
        models.turns[0].leave()
    gevent.sleep(0.01)
    assert models.measured == [0, 0, 1]
    models.turns[1].leave()
    models.take(0)
    assert models.measured == [0, 0, 1, 0]

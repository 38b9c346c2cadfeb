"""What is known of workers by what they said, on a clock that the test turns."""

import pytest

from mms.pool.backoff import Pace
from mms.pool.health import Condition, Health


class Clock:
    now = 100.0

    def __call__(self):
        self.now += 0.001
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def health(clock):
    return Health(clock)


def test_nothing_is_wrong_before_anybody_was_asked(health):
    assert health.verdict(['a', 'b']) == ''
    assert health.condition('a') is Condition.UNASKED


def test_a_model_is_well_while_one_of_its_workers_is(health):
    health.heard('b', '')
    health.heard('a', 'no disk')
    assert health.verdict(['a', 'b']) == ''
    health.heard('b', 'no disk either')
    assert health.verdict(['a', 'b']) == 'no disk either'
    health.heard('a', '')
    assert health.verdict(['a', 'b']) == ''


def test_an_illness_is_news_once(health):
    assert health.heard('a', 'no disk')
    assert not health.heard('a', 'no disk')
    assert not health.heard('a', '')
    assert health.heard('a', 'no disk')


def test_a_worker_is_ill_alone_only_if_another_was_well_since(health):
    health.heard('b', '')
    health.heard('a', 'no disk')
    assert not health.has_well_peer('a', ['a', 'b'])
    health.heard('b', '')
    assert health.has_well_peer('a', ['a', 'b'])
    health.heard('a', 'no disk')
    assert health.has_well_peer('a', ['a', 'b'])
    assert not health.has_well_peer('b', ['a', 'b'])
    # The other has gone.
    assert not health.has_well_peer('a', ['a'])


def test_workers_are_asked_in_turn(health):
    order = []
    for _ in range(6):
        worker = health.next(['a', 'b', 'c'])
        health.heard(worker, '')
        order.append(worker)
    assert order[:3] == order[3:]
    assert sorted(order[:3]) == ['a', 'b', 'c']
    assert health.next([]) is None


def test_new_workers_that_are_ill_cast_doubt_on_what_others_have_said(health):
    health.heard('a', '')
    health.doubt('no licence')
    assert health.verdict(['a']) == 'no licence'
    assert health.is_due('a')
    health.heard('a', '')
    assert health.verdict(['a']) == ''
    assert not health.is_due('a')


def test_a_busy_worker_is_due_when_one_is_ill_or_nobody_has_asked_it_for_long(health, clock):
    health.heard('b', '')
    assert not health.is_due('b')
    health.heard('a', 'no disk')
    assert health.is_due('b')
    health.heard('b', '')
    assert not health.is_due('b')
    clock.now += 40
    assert health.unasked_for(30, ['a']) == ['a']
    assert health.is_due('b')


def test_those_that_are_ill_the_longest_come_first_and_the_gone_are_forgotten(health):
    for worker in 'cab':
        health.heard(worker, 'no disk')
    assert health.ill(['a', 'b', 'c']) == ['c', 'a', 'b']
    health.keep(['a', 'b'])
    assert health.ill(['a', 'b', 'c']) == ['a', 'b']


def test_workers_that_fall_ill_again_and_again_are_replaced_ever_more_seldom(clock):
    pace = Pace(clock)
    waits = [pace.next_s(2) for _ in range(12)]
    assert waits[:2] == [0, 0]
    assert waits[2] > 0
    assert waits == sorted(waits)
    assert waits[-1] == 30
    clock.now += 400
    assert pace.next_s(2) == 0


def test_one_that_was_lost_says_nothing_and_has_the_others_asked(health):
    health.lost('signal 11')
    assert health.verdict(['b']) == ''
    assert health.is_due('b')
    health.heard('b', '')
    health.lost('signal 11')
    assert health.verdict(['c']) == ''


def test_two_that_were_lost_one_after_the_other_are_an_illness_until_one_is_well(health):
    health.lost('signal 11')
    health.lost('signal 6')
    assert health.verdict(['c']) == 'signal 6'
    health.heard('c', '')
    assert health.verdict(['c']) == ''


def test_what_an_ill_one_said_holds_though_it_was_lost_since(health):
    health.heard('a', 'no disk')
    health.lost('signal 11')
    assert health.verdict(['b']) == 'no disk'

"""The requests that wait: oldest first, and none that nobody waits for."""

import gevent
import pytest

from mms.errors import BadRequest, InferenceError
from mms.ipc.request import CLASSIC, Failure, Reply, Request
from mms.serving.caller import Caller
from mms.serving.queue import Job, Waiting


def job(name, left=False, tries=0):
    made = Job(Request(CLASSIC, '', name.encode()), Caller(lambda: left), 0.0)
    made.tries = tries
    return made


@pytest.fixture
def left():
    return []


@pytest.fixture
def waiting(left):
    return Waiting(left.append)


def fill(waiting, *jobs):
    for each in jobs:
        waiting.put(each)


def test_the_oldest_is_next_and_one_that_had_its_turn_before_all_others(waiting):
    a, b, c = map(job, 'abc')
    fill(waiting, a, b)
    assert waiting.next() is a
    waiting.put(c)
    waiting.put_back(a)
    assert [waiting.next() for _ in range(4)] == [a, b, c, None]


def test_one_whose_client_has_left_is_told_of_and_one_that_is_over_is_passed_over(waiting, left):
    gone, over, good = job('gone', left=True), job('over'), job('good')
    over.over = True
    fill(waiting, gone, over, good)
    assert waiting.next() is good
    assert left == [gone]


def test_several_are_taken_oldest_first_and_no_more_than_there_are(waiting):
    a, b, c, d = map(job, 'abcd')
    fill(waiting, a, b, c, d)
    assert waiting.take(2) == [a, b]
    assert waiting.take(0) == []
    assert waiting.take(9) == [c, d]
    assert waiting.take(9) == []


def test_one_that_a_worker_has_died_over_joins_nobody(waiting):
    suspect = job('suspect', tries=1)
    fill(waiting, suspect, job('other'))
    assert waiting.take(9) == []
    assert waiting.next() is suspect


def test_those_that_left_take_no_place_among_those_taken(waiting):
    jobs = [job('gone', left=True), job('a'), job('gone', left=True), job('b')]
    fill(waiting, *jobs)
    assert waiting.take(2) == [jobs[1], jobs[3]]


def test_one_that_is_dropped_is_gone_and_one_that_was_taken_may_be_dropped(waiting):
    a, b = job('a'), job('b')
    fill(waiting, a, b)
    waiting.drop(a)
    assert len(waiting) == 1
    assert waiting.next() is b
    waiting.drop(b)


def test_waiting_ends_when_there_is_one(waiting):
    waiter = gevent.spawn(waiting.wait)
    gevent.sleep(0.01)
    assert not waiter.ready()
    waiting.put(job('a'))
    waiter.get(timeout=30)


def test_an_answer_is_a_reply_or_the_error_that_it_names():
    asked = [job('a'), job('b'), job('c')]
    asked[0].settle(Reply(b'[1]'))
    asked[1].settle(Failure('BadRequest', 'it is wrong'))
    asked[2].fail(InferenceError('no'))
    assert asked[0].answer.get() == Reply(b'[1]')
    with pytest.raises(BadRequest, match='it is wrong'):
        asked[1].answer.get()
    with pytest.raises(InferenceError):
        asked[2].answer.get()

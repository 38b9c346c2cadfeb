"""When a request is made again, and how long that takes."""

import math

import pytest

from mms.client import (
    AccessDenied,
    ConnectionLost,
    ConnectTimedOut,
    ModelFailed,
    NotReached,
    RequestRefused,
    Retries,
    ServerTimedOut,
    TimedOut,
    Timeouts,
    TLSFailed,
    TooManyRequests,
    Unavailable,
    UnreadableAnswer,
    WrongUse,
)

CAUTIOUS, BOLD = Retries(), Retries(even_if_it_may_have_run=True)
NEVER_RAN = [NotReached('m'), ConnectTimedOut('m'), Unavailable('m', 'id', 503, '', 2.0),
             TooManyRequests('m', 'id', 429, '', 2.0)]
MAY_HAVE_RUN = [ConnectionLost('m'), TimedOut('m'), Unavailable('m', 'id', 503),
                ServerTimedOut('m', 'id', 504), ModelFailed('m', 'id', 502),
                ModelFailed('m', 'id', 500, 'WorkerDiedException')]
HOPELESS = [WrongUse('m'), TLSFailed('m'), UnreadableAnswer('m'), RequestRefused('m', 'id', 400),
            AccessDenied('m', 'id', 401), ModelFailed('m', 'id', 500, 'InternalServerException'),
            TooManyRequests('m', 'id', 429)]


def described(error):
    return f'{type(error).__name__}-{getattr(error, "status", "")}'


@pytest.mark.parametrize('error', NEVER_RAN, ids=described)
def test_what_cannot_have_run_is_asked_again(error):
    assert not error.may_have_run
    assert CAUTIOUS.pause_s(error, 1, 0.5) is not None


@pytest.mark.parametrize('error', MAY_HAVE_RUN, ids=described)
def test_what_may_have_run_is_asked_again_only_where_that_was_said(error):
    assert error.may_have_run
    assert CAUTIOUS.pause_s(error, 1, 0.5) is None
    assert BOLD.pause_s(error, 1, 0.5) is not None


@pytest.mark.parametrize('error', HOPELESS, ids=described)
def test_what_would_fail_once_more_is_never_asked_again(error):
    assert BOLD.pause_s(error, 1, 0.5) is None


def test_there_are_so_many_attempts_and_no_more():
    assert [Retries(attempts=3).pause_s(NotReached('m'), attempt, 0.5) is not None
            for attempt in (1, 2, 3)] == [True, True, False]
    assert Retries(attempts=1).pause_s(NotReached('m'), 1, 0.5) is None


def test_pauses_grow_to_the_longest_and_half_of_each_is_chance():
    retries = Retries(attempts=100, first_wait_s=1, longest_wait_s=6)
    assert [retries.pause_s(NotReached('m'), attempt, 1) for attempt in (1, 2, 3, 4)] == [
        1, 2, 4, 6]
    assert retries.pause_s(NotReached('m'), 3, 0) == 2
    many = Retries(attempts=10**9)
    assert many.pause_s(NotReached('m'), 10**8, 1) == many.longest_wait_s


@pytest.mark.parametrize('chance', [0, 0.5, 1])
def test_the_server_says_when_to_come_again_and_nobody_comes_sooner(chance):
    told = Unavailable('m', 'id', 503, '', 7.0)
    assert 7 <= Retries(first_wait_s=1).pause_s(told, 1, chance) <= 8


def test_who_would_have_to_wait_for_too_long_does_not():
    told = Unavailable('m', 'id', 503, '', 31.0)
    assert Retries(longest_wait_s=30).pause_s(told, 1, 0.5) is None


@pytest.mark.parametrize('value', [0, -1, math.nan, math.inf, '5', True])
def test_a_limit_is_a_number_of_seconds(value):
    with pytest.raises(WrongUse, match='total_s'):
        Timeouts(total_s=value)
    with pytest.raises(WrongUse, match='connect_s'):
        Timeouts(connect_s=value)
    with pytest.raises(WrongUse, match='longest_wait_s'):
        Retries(longest_wait_s=value)


@pytest.mark.parametrize('attempts', [0, 1.5, '3', True])
def test_attempts_are_counted(attempts):
    with pytest.raises(WrongUse, match='attempts'):
        Retries(attempts=attempts)

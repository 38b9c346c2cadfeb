"""What a greenlet raises is logged, and ends nothing else."""

import gevent
import pytest
from fleet import until

from mms.event_loop import guard
from mms.event_loop.guard import BackgroundTasks, FirstFailureLog, GuardedLoop, attempt


class Failing:
    """Fails the first few times that it is called."""

    def __init__(self, failures, error=None):
        self.left = failures
        self.error = error or ValueError('broken')
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error


def test_an_attempt_says_whether_it_went_well_and_logs_what_it_raised(caplog):
    assert attempt('the queue', Failing(0))
    assert caplog.text == ''
    assert not attempt('the queue', Failing(1))
    assert 'The server itself failed over the queue; it goes on.' in caplog.text
    assert 'ValueError: broken' in caplog.text
    assert 'Traceback' in caplog.text


def test_a_timer_of_gevents_is_a_fault_and_the_end_of_a_greenlet_is_none():
    assert not attempt('it', Failing(1, gevent.Timeout(1)))
    with pytest.raises(gevent.GreenletExit):
        attempt('it', Failing(1, gevent.GreenletExit()))


def test_a_log_that_fails_as_well_changes_nothing(monkeypatch):
    monkeypatch.setattr(guard.logger, 'exception', Failing(1, OSError('disk full')))
    assert not attempt('it', Failing(1))


def test_a_loop_goes_on_after_a_fault_and_is_in_trouble_after_several_until_a_turn_goes_well():
    turn, told = Failing(3), []

    def one_turn():
        turn()
        gevent.sleep(0.01)

    loop = GuardedLoop('the queue', one_turn, lambda: told.append(loop.ill_health()))
    until(lambda: len(told) == 3)
    assert told[:2] == ['', '']
    assert told[2] == 'the server itself fails over the queue (ValueError: broken)'
    until(lambda: turn.calls > 4)
    assert loop.ill_health() == ''
    loop.kill()
    calls = turn.calls
    gevent.sleep(0.05)
    assert turn.calls == calls


def test_a_loop_survives_that_what_it_calls_after_a_fault_fails_too(caplog):
    turn = Failing(1)

    def one_turn():
        turn()
        gevent.sleep(0.01)

    loop = GuardedLoop('it', one_turn, Failing(1, KeyError('more')))
    until(lambda: turn.calls > 2)
    loop.kill()
    assert "KeyError: 'more'" in caplog.text


def test_a_loop_that_fails_always_does_not_spin(monkeypatch):
    monkeypatch.setattr(guard, '_FIRST_PAUSE_S', 0.02)
    turn = Failing(10**9)
    loop = GuardedLoop('it', turn)
    gevent.sleep(0.3)
    loop.kill()
    assert 2 <= turn.calls <= 5


def test_trouble_is_forgotten_after_a_while_without_any_turn(monkeypatch):
    monkeypatch.setattr(guard, '_REMEMBERED_S', 0.2)
    monkeypatch.setattr(guard, '_FIRST_PAUSE_S', 0.01)
    turn, forever = Failing(3), gevent.event.Event()

    def one_turn():
        turn()
        forever.wait()

    loop = GuardedLoop('it', one_turn)
    until(lambda: loop.ill_health())
    until(lambda: not loop.ill_health(), 2)
    loop.kill()


def test_of_many_that_fail_one_after_another_the_first_is_logged(caplog):
    failure_log = FirstFailureLog('lines')
    for failures in (1, 1, 1, 0, 1):
        failure_log.attempt(Failing(failures))
    assert caplog.text.count('failed over lines') == 2


def test_what_goes_on_in_the_background_is_logged_waited_for_and_ended(caplog):
    background, done = BackgroundTasks('it'), []
    background.spawn(Failing(1))
    background.spawn(lambda: done.append(gevent.sleep(0.02)))
    background.join()
    assert done == [None]
    assert 'ValueError: broken' in caplog.text
    background.spawn(gevent.sleep, 600)
    gevent.sleep(0)
    with gevent.Timeout(5):
        background.kill()
        background.join()

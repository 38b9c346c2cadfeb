"""Chaos under load for some seconds: no answer is lost, wrong, or made twice."""

import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

import chaos_clients
import pytest
from chaos_checks import (
    KILLED,
    PAUSED,
    STOPPED,
    Blow,
    doubled,
    may_die,
    may_hang,
    not_allowed,
    not_tried,
)
from chaos_clients import Clients, ErrorAnswer, Tally
from chaos_models import Run
from client_threads import ClientThreads
from effort import LONG
from harness import REPO, until

ROW = re.compile(r'^\| (.+) \| (.+) \|$', re.M)

# A template that is stopped is waited for ten seconds.
WORDS = ['--seconds', '300'] if LONG else ['--seconds', '5', '--without',
                                           'stop the template for good']


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_no_answer_is_lost_wrong_or_doubled_under_chaos():
    done = subprocess.run(
        [sys.executable, REPO / 'benchmarks' / 'chaos.py', '--pause', '0.2', '--connections', '6',
         *WORDS],
        capture_output=True, text=True, timeout=1000, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = dict(ROW.findall(done.stdout))
    assert rows['lost'] == rows['wrong'] == rows['doubled'] == '0'
    assert int(rows['answered 200']) > 20
    assert int(rows['kill a worker']) > 0


WORKER_DIED = '{"code": 500, "type": "WorkerDiedException"}'
# Run by one worker of template 9, and after it by another one, or by one of template 8.
TWICE = {'b': [Run(1, 9, began=10), Run(2, 9, began=12)]}
BY_ANOTHER_TEMPLATE = {'b': [Run(1, 9, began=10), Run(3, 8, began=12)]}


def kill(pid, at=11, is_template=False):
    return Blow(pid, KILLED, at, at + 0.01, is_template)


def stop(pid, at=11, over=14, is_template=False):
    return Blow(pid, STOPPED, at, over, is_template)


def test_a_request_that_is_run_again_without_need_is_found():
    assert doubled({'a': [Run(1, 9, 10)], **TWICE}, [kill(1)]) == []
    assert len(doubled(TWICE, [kill(2)])) == 1
    assert len(doubled({'b': [Run(1, 9, 10), Run(1, 9, 12)]}, [])) == 1
    assert len(doubled({'b': [Run(1, 9, 10), Run(1, 9, 12)]}, [kill(1)])) == 1
    three = {'b': [Run(1, 9, 10), Run(2, 9, 12), Run(3, 9, 14)]}
    assert len(doubled(three, [kill(1), kill(2, 13)])) == 1


def test_a_death_before_the_first_run_or_after_the_second_excuses_no_other():
    assert len(doubled(TWICE, [kill(1, at=9)])) == 1
    assert len(doubled(TWICE, [kill(1, at=13)])) == 1
    assert len(doubled(BY_ANOTHER_TEMPLATE, [kill(9, at=9, is_template=True)])) == 1


def test_a_template_that_was_ended_runs_nothing_again():
    assert doubled(BY_ANOTHER_TEMPLATE, [kill(9, is_template=True)]) == []
    assert len(doubled(TWICE, [kill(9, is_template=True)])) == 1
    # Its workers go on until it is killed.
    assert doubled(BY_ANOTHER_TEMPLATE, [stop(9, at=2, is_template=True)]) == []


def test_what_a_stopped_worker_had_is_not_run_again_unless_it_was_killed():
    assert len(doubled(TWICE, [stop(1)])) == 1
    assert len(doubled(TWICE, [Blow(1, PAUSED, 11, 11.4)])) == 1
    assert doubled(TWICE, [stop(1, at=10.5), kill(1)]) == []


def test_an_error_that_one_death_has_cost_is_found():
    died = ErrorAnswer(500, WORKER_DIED, sent=9, answered=14)
    both = [kill(1), kill(2, 13)]
    assert may_die(died, TWICE['b'], both)
    # The second may have been killed before it began.
    assert may_die(died, TWICE['b'][:1], both)
    assert not may_die(died, [*TWICE['b'], Run(3, 9, 12)], both)
    assert not may_die(died, TWICE['b'], both[:1])
    assert not may_die(died, TWICE['b'], [kill(1), kill(2, at=15)])
    assert not may_die(died._replace(text='{}'), TWICE['b'], both)
    assert not may_die(died._replace(text='{"not'), TWICE['b'], both)


def test_a_timeout_that_nothing_held_up_is_found():
    late = ErrorAnswer(504, '', sent=9.5, answered=12.5)
    assert may_hang(late, TWICE['b'][:1], [stop(1)])
    assert may_hang(late, TWICE['b'][:1], [stop(9, is_template=True)])
    assert may_hang(late, [], [Blow(1, PAUSED, 8, 8.4)])
    assert may_hang(late, [], [kill(9, is_template=True)])
    assert not may_hang(late, [], [])
    assert not may_hang(late, [], [kill(1)])
    assert not may_hang(late, [], [stop(1, at=2, over=5), stop(1, at=13)])
    assert not may_hang(late, [Run(7, 9, began=10)], [stop(1)])
    tally = Tally()
    tally.errors = {'late': late, 'well': late._replace(sent=99, answered=102)}
    [told] = not_allowed(tally, {}, [stop(1)])
    assert told == 'well was answered 504: '


def test_a_run_that_tried_nothing_has_found_nothing():
    tally = Tally()
    assert not_tried(tally, {}, ['scale']) == ['never done: scale', 'no request was answered 200']
    tally.statuses[200] = 1
    assert not_tried(tally, {'scale': 1}, ['scale']) == []


def serve_each(listener, answers):
    """Send these parts to each request, and close its connection if there is but one."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(ConnectionError):
            data = connection.recv(10_000)
            while data:
                # The form ends so.
                while not data.endswith(b'%5D'):
                    data += connection.recv(10_000)
                for part in answers:
                    connection.sendall(part)
                    time.sleep(0.02)
                data = len(answers) > 1 and connection.recv(10_000)


OOPS = b'HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\n{}'


@pytest.mark.parametrize(('answers', 'is_wrong'), [
    ([OOPS], False), ([OOPS, OOPS], True), ([OOPS + OOPS, b''], True)],
    ids=['one, and the end', 'one after the other', 'two at once'])
def test_a_second_answer_to_one_request_is_wrong_and_an_end_is_not(answers, is_wrong, monkeypatch):
    # The second comes between two requests.
    monkeypatch.setattr(chaos_clients, 'RETRY_S', 0.1)
    with socket.create_server(('127.0.0.1', 0)) as listener:
        server = threading.Thread(target=serve_each, args=[listener, answers], daemon=True)
        server.start()
        with Clients(listener.getsockname()[1], 1, seed=1) as clients:
            until(lambda: clients.tally.wrong if is_wrong else clients.tally.statuses[500] > 3)
        listener.shutdown(socket.SHUT_RDWR)
        server.join()
    assert bool(clients.tally.wrong) is is_wrong
    assert all('500 Oops' in told for told in clients.tally.wrong)


def test_what_a_client_of_a_benchmark_raises_is_raised_when_all_have_ended():
    def fail():
        raise RuntimeError('no client does this')

    with pytest.raises(RuntimeError, match='no client does this'), ClientThreads([fail, fail]):
        pass

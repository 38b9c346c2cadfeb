"""What is found out in a copy of the process, of which nothing stays."""

import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest

from mms.worker.processes.disposable_fork import ForkFailed, ForkTimedOut, run_in_fork


def test_what_the_copy_finds_comes_back_and_what_it_changes_does_not():
    seen = []

    def work():
        seen.append(1)
        return {'pid': os.getpid(), 'seen': list(seen)}

    found = run_in_fork(work, 10)
    assert found['seen'] == [1]
    assert found['pid'] != os.getpid()
    assert seen == []
    assert not psutil.pid_exists(found['pid'])


def test_much_may_come_back():
    assert run_in_fork(lambda: b'x' * 3_000_000, 10) == b'x' * 3_000_000


@pytest.mark.parametrize(('work', 'reason'), [
    (lambda: 1 / 0, 'ZeroDivisionError: division by zero'),
    (lambda: sys.exit(4), 'SystemExit: 4'),
    (lambda: os.kill(os.getpid(), signal.SIGKILL), r'it ends its process \(SIGKILL\)'),
    (lambda: os._exit(3), r'it ends its process \(exit status 3\)'),
    (lambda: lambda: None, r'it ends its process \(exit status 0\)'),
])
def test_a_copy_that_finds_nothing_says_how_it_ended(work, reason):
    with pytest.raises(ForkFailed, match=reason):
        run_in_fork(work, 10)


def test_a_copy_that_hangs_is_not_waited_for():
    began = time.monotonic()
    with pytest.raises(ForkTimedOut, match='it takes longer than 0 s'):
        run_in_fork(lambda: time.sleep(600), 0.2)
    assert time.monotonic() - began < 10


def test_what_the_copy_has_started_ends_with_it():
    def work():
        return subprocess.Popen(['sleep', '600']).pid

    started = run_in_fork(work, 10)
    for _ in range(500):
        if not psutil.pid_exists(started) or \
                psutil.Process(started).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.01)
    raise AssertionError('it lives')


def test_random_numbers_are_those_of_the_process_unless_others_are_wanted():
    np = pytest.importorskip('numpy')
    state = np.random.get_state()
    here = np.random.rand()
    np.random.set_state(state)
    assert run_in_fork(np.random.rand, 10) == here
    assert run_in_fork(np.random.rand, 10, reseed=True) != here
    assert isinstance(run_in_fork(random.random, 10), float)

"""Programs that are run to their end, or ended."""

import subprocess
import sys
import threading
import time

import gevent
import pytest
from harness import running, until

from mms.event_loop.in_thread import in_thread
from mms.runtime.programs import Programs, ProgramsStopped

PRINT = [sys.executable, '-c', 'import sys; print("out"); sys.stderr.write("err"); sys.exit(3)']


@pytest.fixture
def long():
    """A program that starts another one and waits for it, and the mark of both."""
    marker = f'1{time.monotonic_ns()}'
    yield ['sh', '-c', f'sleep 600 {marker} & wait', marker], marker
    for process in running(marker):
        process.kill()


def test_status_and_output_are_told():
    done = Programs().run(PRINT)
    assert (done.returncode, done.stdout, done.stderr) == (3, b'out\n', b'err')
    assert Programs().run(PRINT, joined=True).stdout in (b'out\nerr', b'errout\n')


def test_what_takes_too_long_is_ended_with_all_that_it_started(long):
    words, marker = long
    with pytest.raises(subprocess.TimeoutExpired):
        Programs().run(words, timeout_s=0.5)
    until(lambda: not running(marker))


def test_a_program_that_is_not_there_is_an_os_error():
    with pytest.raises(OSError, match='nowhere'):
        Programs().run(['/nowhere/program'])


def test_a_stop_ends_what_runs_and_lets_nothing_start(long):
    words, marker = long
    programs, raised = Programs(), []

    def run():
        try:
            programs.run(words)
        except ProgramsStopped as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: len(running(marker)) == 2)
    programs.stop()
    thread.join(10)
    until(lambda: not running(marker))
    assert len(raised) == 1
    with pytest.raises(ProgramsStopped):
        programs.run(PRINT)


def test_a_greenlet_that_is_killed_twice_waits_until_its_thread_has_ended_the_program(long):
    words, marker = long
    programs, ended = Programs(), []

    def work():
        try:
            programs.run(words)
        finally:
            time.sleep(0.1)
            ended.append(True)

    greenlet = gevent.spawn(in_thread, work, programs.stop)
    while len(running(marker)) < 2:
        gevent.sleep(0.02)
    greenlet.kill(block=False)
    gevent.sleep(0.01)
    greenlet.kill()
    assert ended == [True]
    until(lambda: not running(marker))

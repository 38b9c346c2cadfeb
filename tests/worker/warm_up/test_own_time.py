"""What is measured of a model is its own time, whatever else runs on its cores."""

import os
import subprocess
import sys
import textwrap
import time

import pytest

from mms.worker.warm_up import own_time
from mms.worker.warm_up.own_time import OwnTime


@pytest.mark.skipif(not os.path.exists('/proc/thread-self/schedstat'), reason='needs Linux')
def test_the_time_in_which_other_processes_have_the_core_does_not_count():
    done = subprocess.run([sys.executable, '-c', textwrap.dedent('''
        import os, subprocess, sys, time
        from mms.worker.warm_up.own_time import OwnTime

        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        busy = [subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(3)]
        try:
            time.sleep(0.5)
            start = time.perf_counter()
            with OwnTime() as own:
                end = time.thread_time() + 0.5
                while time.thread_time() < end:
                    pass
            took = time.perf_counter() - start
        finally:
            for process in busy:
                process.kill()
                process.wait()
        print(own.seconds, took)
    ''')], capture_output=True, text=True, timeout=60, check=True)
    own_s, took_s = map(float, done.stdout.split())
    assert own_s < took_s / 2
    assert own_s == pytest.approx(0.5, rel=0.2)


def test_what_is_waited_while_the_clocks_are_read_makes_no_time_too_short(monkeypatch):
    waited_s = own_time._waited_s

    def preempted():
        """It loses the core right before, and right after the system is asked."""
        nonlocal lost_s
        lost_s += 0.05
        time.sleep(0.05)
        told_s = waited_s() + lost_s
        lost_s += 0.05
        time.sleep(0.05)
        return told_s

    lost_s = 0.0
    monkeypatch.setattr(own_time, '_waited_s', preempted)
    with OwnTime() as own:
        time.sleep(0.02)
    assert own.seconds >= 0.02


def test_what_a_model_sleeps_counts():
    with OwnTime() as own:
        time.sleep(0.1)
    assert own.seconds >= 0.09


def test_all_counts_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr(own_time, '_SCHEDSTAT', '/proc/none')
    with OwnTime() as own:
        time.sleep(0.01)
    assert own.seconds >= 0.01

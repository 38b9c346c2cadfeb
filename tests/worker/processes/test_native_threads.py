"""Whose code the threads of a process run."""

import subprocess
import sys
import threading

import pytest
from fleet import needs_compiler, sleeper

from mms.worker.processes.native_threads import library_of, thread_ids


def test_every_thread_of_the_process_is_seen():
    before = thread_ids()
    assert threading.get_native_id() in before
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert thread_ids() - before == {thread.native_id}
    finally:
        stop.set()
        thread.join()


@needs_compiler
def test_a_thread_that_waits_is_told_by_the_library_whose_code_it_runs(tmp_path):
    code = ('import ctypes, time\n'
            'from mms.worker.processes.native_threads import library_of, thread_ids\n'
            f'before = thread_ids()\nassert ctypes.CDLL({sleeper(tmp_path)!r}).start() == 0\n'
            'time.sleep(0.2)\n[thread] = thread_ids() - before\nprint(library_of(thread))')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ('libsleeper.so\n', '')


@pytest.mark.parametrize('thread', [0, 2**22 + 1])
def test_of_a_thread_that_is_not_there_nothing_is_told(thread):
    assert library_of(thread) == ''

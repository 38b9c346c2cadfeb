import os
import subprocess
import sys
import threading

import gevent
import pytest
from harness import REPO, until

from mms.event_loop.in_thread import in_lasting_thread, in_thread
from mms.serving.embedding import LoopThread


def test_it_returns_what_another_thread_returned_while_the_loop_turns():
    turns = []
    ticker = gevent.spawn(lambda: [turns.append(gevent.sleep(0.01)) for _ in range(1000)])
    release = threading.Event()
    gevent.spawn_later(0.1, release.set)
    assert in_thread(lambda: release.wait(10) and threading.get_ident()) != threading.get_ident()
    ticker.kill()
    assert turns


def test_it_raises_what_the_work_raised_and_prints_nothing(capfd):
    with pytest.raises(ZeroDivisionError):
        in_thread(lambda: 1 / 0)
    assert capfd.readouterr() == ('', '')


def test_a_lasting_thread_is_the_same_for_all_of_one_event_loop():
    mine = {in_lasting_thread(threading.get_ident) for _ in range(3)}
    others = []
    thread = threading.Thread(target=lambda: others.append(in_lasting_thread(threading.get_ident)))
    thread.start()
    thread.join()
    assert len(mine) == 1
    assert not mine & {threading.get_ident(), *others}


def test_a_lasting_thread_outlives_the_greenlet_that_has_begun_it_in_a_patched_program():
    code = ('from gevent.monkey import patch_all; patch_all()\n'
            'import gevent\n'
            'from gevent.monkey import get_original\n'
            'from mms.event_loop.in_thread import in_lasting_thread\n'
            'ident = get_original("threading", "get_ident")\n'
            'print(len({gevent.spawn(in_lasting_thread, ident).get() for _ in range(3)}))')
    done = subprocess.run([sys.executable, '-c', code], cwd=REPO, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ('1\n', '')


def test_a_lasting_thread_raises_what_the_work_raised_and_goes_on():
    before = in_lasting_thread(threading.get_ident)
    with pytest.raises(ZeroDivisionError):
        in_lasting_thread(lambda: 1 / 0)
    assert in_lasting_thread(threading.get_ident) == before


def test_a_lasting_thread_ends_with_its_event_loop():
    def threads():
        return len(os.listdir('/proc/self/task'))

    before = threads()
    for _ in range(3):
        loop = LoopThread()
        loop.run(lambda: in_lasting_thread(threading.get_ident))
        loop.stop()
    until(lambda: threads() == before)

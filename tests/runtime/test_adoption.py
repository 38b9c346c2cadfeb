"""Children of children that become those of this process."""

import os
import subprocess
import sys

from mms.runtime.adoption import adopting, is_child

_LEAVES_A_CHILD = ('import os, time\n'
                   'pid = os.fork()\n'
                   'if pid: print(pid, flush=True); os._exit(0)\n'
                   'os.closerange(0, 3); time.sleep(60)')


def left_behind():
    done = subprocess.run([sys.executable, '-c', _LEAVES_A_CHILD], capture_output=True, text=True)
    return int(done.stdout)


def test_what_loses_its_parent_meanwhile_is_a_child():
    with adopting():
        pid = left_behind()
    try:
        assert is_child(pid)
    finally:
        os.kill(pid, 9)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9
    assert not is_child(pid)


def test_what_loses_it_later_is_none():
    with adopting(), adopting():
        pass
    pid = left_behind()
    try:
        assert not is_child(pid)
    finally:
        os.kill(pid, 9)

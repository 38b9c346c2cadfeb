"""Processes that a service forks."""

import subprocess
import sys

from launcher import environment

# The signal comes before the fork has become a process of its own, as from a pool that is ended
# right after it was made.
ENDED_AT_ONCE = '''
import os, signal, socket
from mms.runtime.parent import die_with_parent
from mms.worker.processes.parent import close_in_forks

die_with_parent(os.getppid())
os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))
close_in_forks(socket.socket())
pid = os.fork()
if not pid:
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
os.kill(os.getpid(), signal.SIGTERM)
print('the process itself goes on')
'''


def test_what_a_service_forks_can_be_terminated_from_its_first_moment():
    done = subprocess.run([sys.executable, '-c', ENDED_AT_ONCE], env=environment(),
                          capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ['-15', 'the process itself goes on']

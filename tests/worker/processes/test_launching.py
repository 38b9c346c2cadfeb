"""A process that is forked twice, so that it has another parent."""

import os
import subprocess
import sys

from harness import REPO

LAUNCHER = '''
import os, signal
from mms.worker.processes import launching

def descriptors():
    return [os.open(os.devnull, os.O_RDWR) for _ in range(3)]

launcher = os.getpid()
'''


def launched(code):
    """What is printed by all processes that go on, and what they complain of."""
    done = subprocess.run([sys.executable, '-c', LAUNCHER + code], cwd=REPO, text=True,
                          capture_output=True, env={**os.environ, 'PYTHONPATH': str(REPO)})
    assert done.returncode == 0, done.stderr
    return done.stdout.split('\n')[:-1], done.stderr


def test_what_goes_wrong_in_the_fork_makes_no_second_launcher():
    said, complaint = launched('''
try:
    launching.fork_model(descriptors(), [9999], 'm')
except OSError:
    pass
print(os.getpid() == launcher)
''')
    assert said == ['True']
    assert 'Bad file descriptor' in complaint


def test_descriptors_are_closed_where_no_process_can_be_made():
    assert launched('''
import resource
given = descriptors()
resource.setrlimit(resource.RLIMIT_NOFILE, (max(given) + 1,) * 2)
try:
    launching.fork_model(given, [], 'm')
except OSError as error:
    print(error.strerror)
print(os.dup(0) in given)
''')[0] == ['Too many open files', 'True']


def test_it_does_not_end_with_the_group_of_the_launcher():
    assert launched('''
launching._ADOPTION_POLL_S = 0.5
pid = launching.fork_model(descriptors(), [], 'm')
if pid:
    print(os.getpgid(pid) == os.getpgid(0))
''')[0] == ['False']


def test_the_death_of_the_process_between_is_told():
    assert launched('''
launching._end_for_grandchild = lambda writer: os.kill(os.getpid(), signal.SIGKILL)
try:
    launching.fork_model(descriptors(), [], 'm')
except OSError as error:
    print(error.strerror)
''')[0] == ['the process between was ended by signal 9']

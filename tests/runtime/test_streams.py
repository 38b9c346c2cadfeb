"""Standard streams in a process of their own: this one's belong to pytest."""

import os
import subprocess
import sys

import pytest
from harness import REPO


def run(script, redirection=''):
    command = f'exec "$0" -c "$1" {redirection}'
    return subprocess.run(['sh', '-c', command, sys.executable, script], capture_output=True,
                          env={**os.environ, 'PYTHONPATH': str(REPO)}, timeout=60)


def test_what_is_closed_becomes_a_stream_to_nowhere_and_no_file_gets_its_number():
    done = run('from mms.runtime.streams import open_missing_streams\n'
               'open_missing_streams()\nimport os, sys\n'
               'print("lost"); print("lost", file=sys.stderr)\n'
               'os._exit(os.open(os.devnull, os.O_RDONLY))', '<&- >&- 2>&-')
    assert (done.returncode, done.stdout, done.stderr) == (3, b'', b'')


def test_open_streams_stay_as_they_are():
    done = run('from mms.runtime.streams import open_missing_streams\nimport sys\n'
               'before = sys.stdout, sys.stderr\nopen_missing_streams()\n'
               'print(before == (sys.stdout, sys.stderr))')
    assert done.stdout == b'True\n'


@pytest.mark.parametrize('redirection', ['> /dev/full', '| true', '>&-'])
def test_a_line_that_nobody_can_read_raises_nothing_then_or_at_the_end(redirection):
    done = run('from mms.runtime.streams import open_missing_streams, say\nimport time\n'
               'open_missing_streams(); time.sleep(0.2)\n'
               'say("hello"); say("again"); print("more")', redirection)
    assert done.stderr == b''


def test_what_an_encoding_lacks_is_escaped():
    done = run('import sys; sys.stdout.reconfigure(encoding="ascii")\n'
               'from mms.runtime.streams import say; say("caf\\xe9")')
    assert done.stdout == b'caf\\xe9\n'


def test_a_terminal_is_told_from_anything_else(tmp_path):
    done = run('import pty, os\nfrom mms.runtime.streams import is_terminal\n'
               'stream = os.fdopen(pty.openpty()[1], "w")\n'
               'print(is_terminal(stream), is_terminal(None), is_terminal(open(os.devnull)))\n'
               'stream.close(); print(is_terminal(stream))')
    assert done.stdout == b'True False False\nFalse\n'

"""Every test drives a real interpreter, whose standard error is read."""

import os
import subprocess
import sys

import pytest
from harness import REPO

HOSTILE = r"'\x1b[31m\u202e\n[INFO forged'"
SHOWN = r'\x1b[31m\u202e'


def run(statement):
    return subprocess.run(
        [sys.executable, '-c', 'import logging, sys, threading, warnings\n'
         f'from mms.log.uncaught import escape_uncaught\nescape_uncaught()\n{statement}'],
        capture_output=True, text=True, timeout=60, env={**os.environ, 'PYTHONPATH': str(REPO)})


@pytest.mark.parametrize(('statement', 'status'), [
    (f'raise ValueError({HOSTILE})', 1),
    (f'threading.Thread(target=int, args=[{HOSTILE}]).start()', 0),
    (f'class Bad:\n    def __del__(self): raise ValueError({HOSTILE})\nBad()', 0),
    (f'warnings.warn({HOSTILE})', 0),
    (f'logging.getLogger("library").warning("%s", {HOSTILE})', 0),
])
def test_what_python_prints_by_itself_is_escaped(statement, status):
    done = run(statement)
    assert (done.returncode, done.stdout) == (status, '')
    assert SHOWN in done.stderr.replace('\\\\', '\\')
    assert done.stderr.replace('\n', '').isprintable()


def test_an_exception_has_its_traceback_and_a_warning_its_place():
    assert run('1 / 0').stderr.startswith('Traceback (most recent call last):\n')
    assert run('threading.Thread(target=lambda: 1 / 0, name="T").start()').stderr.startswith(
        'Exception in thread T:\nTraceback')
    assert run('warnings.warn("careful")').stderr.startswith('<string>:4: UserWarning: careful\n')
    assert run('sys.exit(3)').returncode == 3

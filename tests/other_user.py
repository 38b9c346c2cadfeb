"""Servers whose workers are of another user: what that user may enter, and what processes hold."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy
import psutil
import pytest
from harness import REPO

NOBODY = pwd.getpwnam('nobody')
_OPEN = [sys.executable, str(REPO / 'tests' / 'open_to_others.py')]


@contextmanager
def open_folder():
    """A temporary folder that everybody may enter, unlike those of tests."""
    folder = Path(tempfile.mkdtemp(dir='/tmp'))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def for_others(*command):
    """Words that run a command with a Python that everybody may run; skips where it cannot be."""
    if os.geteuid():
        pytest.skip('root alone starts processes of another user')
    needed = {REPO / 'mms', sys.executable, sys.prefix, os.path.realpath(sys.executable),
              os.path.join(sys.base_prefix, 'lib'), os.path.dirname(numpy.__file__)}
    words = [*_OPEN, *sorted(map(str, needed)), '--']
    tried = subprocess.run([*words, '/bin/true'], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f'Python cannot be opened to others: {tried.stderr.strip()}')
    return [*words, *command]


def of_models(server):
    """All processes of models of a server."""
    found = []
    for process in psutil.Process(server.pid).children(recursive=True):
        # One that has just ended has no command line.
        with suppress(psutil.Error):
            if '--model' in process.cmdline():
                found.append(process)
    return found


def status(pid):
    """Name -> value of ``/proc/PID/status``."""
    lines = Path(f'/proc/{pid}/status').read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(':') for line in lines)}


def environment(pid):
    found = Path(f'/proc/{pid}/environ').read_bytes().split(b'\0')
    return dict(os.fsdecode(each).partition('=')[::2] for each in found if each)


def descriptors(pid):
    """Number -> what it is."""
    folder = f'/proc/{pid}/fd'
    return {int(number): os.readlink(f'{folder}/{number}') for number in os.listdir(folder)}


def listening(pid):
    """Inodes of the sockets that a process listens on."""
    rows = [line.split() for name in ('tcp', 'tcp6')
            for line in Path(f'/proc/{pid}/net/{name}').read_text().splitlines()[1:]]
    inodes = {f'socket:[{row[9]}]' for row in rows if row[3] == '0A'}
    return inodes & set(descriptors(pid).values())


def check_descriptors(server):
    """Each process of a model has an output, a channel and a log of its own, and nothing else."""
    processes, seen = of_models(server), []
    for process in processes:
        held = descriptors(process.pid)
        assert held.pop(0) == '/dev/null'
        output = held.pop(1)
        assert output.startswith('pipe:')
        assert held.pop(2) == output
        assert [what.partition(':')[0] for what in held.values()] == ['socket'] * 2, held
        seen += [output, *held.values()]
    assert len(set(seen)) == 3 * len(processes), 'nothing of another process'
    # Both ends of a pipe are called the same.
    sockets = {what for what in seen if what.startswith('socket:')}
    assert not sockets & set(descriptors(server.pid).values())

"""Code that runs in forks of a process which has run other code before: what takes long there, an
import of MXNet, is done once.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import REPO

_LOOP = '''
import os as _os, sys as _sys
exec(_sys.argv[1])
for _line in _sys.stdin:
    _pid = _os.fork()
    if not _pid:
        _code, *_files = eval(_line)
        for _place, _file in enumerate(_files, 1):
            _os.dup2(_os.open(_file, _os.O_WRONLY | _os.O_CREAT), _place)
        exec(_code)
        _sys.exit()
    print(_os.waitstatus_to_exitcode(_os.waitpid(_pid, 0)[1]), flush=True)
'''


class Forks:
    """A process that has run `before`; to be used in a ``with``."""

    def __init__(self, before):
        self._process = subprocess.Popen(
            [sys.executable, '-c', _LOOP, before], cwd=REPO, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env={**os.environ, 'PYTHONPATH': str(REPO)})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.read()
        self._process.stdout.close()
        assert self._process.wait(60) == 0

    def printed(self, code):
        """What the code prints in a fork, which has to end well."""
        with tempfile.TemporaryDirectory() as folder:
            out, errors = (Path(folder) / name for name in ('out', 'errors'))
            self._process.stdin.write(f'{[code, str(out), str(errors)]!r}\n')
            self._process.stdin.flush()
            assert self._process.stdout.readline() == '0\n', errors.read_text()
            return out.read_text()

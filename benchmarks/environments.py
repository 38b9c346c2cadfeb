"""Virtual environments of the peers, kept in a cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from processes import BenchmarkError

# MXNet 1.9.1 and NumPy 1.x, as this server has them; setuptools for what still
# imports pkg_resources, which release 81 dropped.
PEER_REQUIREMENTS = ('mxnet==1.9.1', 'numpy<2', 'pillow', 'setuptools<81')
DONE = 'requirements.txt'
PYTHON = os.path.realpath(sys.executable)


def default_cache() -> Path:
    """Return the folder of the XDG cache for these benchmarks."""
    base = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return Path(base).expanduser() / 'mms-benchmarks'


@dataclass
class Environment:
    """One virtual environment, and what is in it.

    Parameters
    ----------
    folder
        Where it is.
    steps
        The arguments of one ``pip install`` after the other.
    python
        What it is made with; as it is, the Python that this one's own environment was made with,
        so that it serves any checkout.
    """

    folder: Path
    steps: Sequence[Sequence[str]]
    python: str = PYTHON

    @property
    def bin(self) -> Path:
        """Where its commands are."""
        return self.folder / 'bin'

    def install(self) -> None:
        """Make it, unless it is there already with these very requirements.

        Raises
        ------
        BenchmarkError
            pip failed; with its last line.
        """
        wanted = '\n'.join([self.python, *(' '.join(step) for step in self.steps)])
        done = self.folder / DONE
        if done.exists() and done.read_text() == wanted:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        print(f'Installing into {self.folder} ...', file=sys.stderr)
        self._run([self.python, '-m', 'venv', str(self.folder)])
        for step in self.steps:
            self._run([str(self.bin / 'python'), '-m', 'pip', 'install', '--quiet',
                       '--disable-pip-version-check', *step])
        done.write_text(wanted)

    def _run(self, command: list[str]) -> None:
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, check=False)
        if run.returncode:
            lines = run.stdout.strip().splitlines() or ['no reason given']
            raise BenchmarkError(f'{" ".join(command)} failed: {lines[-1]}')

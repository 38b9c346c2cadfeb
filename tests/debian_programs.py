"""Programs of Debian that tests run beside the server: promtool, Prometheus, nginx, logrotate,
sslscan.

``python tests/debian_programs.py FOLDER`` unpacks their packages into a folder, without root and
without changing the machine; ``make test`` does so. Tests that need one that is not there, nor on
the path, are skipped with its name.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# What brings the programs, and the libraries that a small installation has not got.
PACKAGES = ('prometheus', 'nginx', 'logrotate', 'sslscan', 'libpopt0')
FOLDER = Path(__file__).resolve().parent.parent / '.venv' / 'debian'
_PLACES = ('usr/bin', 'usr/sbin')


def path_of(program: str) -> str | None:
    """Where a program is: among those unpacked, or on the path."""
    unpacked = [str(FOLDER / place / program) for place in _PLACES]
    return next(filter(os.path.exists, unpacked), None) or shutil.which(program)


def environment() -> dict[str, str]:
    """The variables with which such a program finds its libraries."""
    libraries = map(str, sorted(FOLDER.glob('usr/lib/*-linux-gnu')))
    return {**os.environ, 'LD_LIBRARY_PATH': ':'.join(
        filter(None, [*libraries, os.environ.get('LD_LIBRARY_PATH')]))}


def needs(program: str) -> pytest.MarkDecorator:
    """A mark for tests that run a program."""
    return pytest.mark.skipif(
        path_of(program) is None,
        reason=f'needs {program}, which python tests/debian_programs.py .venv/debian unpacks')


def unpack(folder: Path) -> None:
    """Fetch the packages, and unpack them.

    Raises
    ------
    OSError, subprocess.CalledProcessError
        This is no Debian, or its archive cannot be reached.
    """
    packages = folder / 'packages'
    for made in (folder / 'lists' / 'partial', folder / 'cache' / 'archives' / 'partial', packages):
        made.mkdir(parents=True, exist_ok=True)
    # With lists of its own it needs no right to change those of the machine.
    apt = ['apt-get', '-qq', '-o', f'Dir::State::lists={folder}/lists',
           '-o', f'Dir::Cache={folder}/cache', '-o', 'APT::Sandbox::User=',
           '-o', 'Acquire::http::Timeout=20', '-o', 'Acquire::Retries=1']
    for words in (['update'], ['download', *PACKAGES]):
        subprocess.run([*apt, *words], cwd=packages, check=True, capture_output=True)
    for package in packages.glob('*.deb'):
        subprocess.run(['dpkg', '-x', package, folder], check=True, capture_output=True)
    for left in ('lists', 'cache', 'packages'):
        shutil.rmtree(folder / left)


def main() -> int:
    """Unpack, or say why not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path, help='where the programs go')
    folder = parser.parse_args().folder.resolve()
    try:
        unpack(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, 'stderr', None) or b'').decode(errors='replace').strip()
        print(f"The tests of {', '.join(PACKAGES[:4])} will be skipped: {said or error}",
              file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())

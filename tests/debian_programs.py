"""Programs of Debian that tests run beside the server: promtool, Prometheus, nginx, logrotate,
sslscan, zsh, fish, Chromium, and compilers of Go and C#.

``python tests/debian_programs.py FOLDER`` unpacks their packages into a folder, without root and
without changing the machine; ``make test`` does so. Tests that need one that is not there, nor on
the path, are skipped with its name.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# What brings the programs, and the libraries that a small installation has not got.
PACKAGES = ('prometheus', 'nginx', 'logrotate', 'sslscan', 'zsh', 'fish', 'zsh-common',
            'fish-common', 'libpopt0', 'libpcre2-32-0')
FOLDER = Path(__file__).resolve().parent.parent / '.venv' / 'debian'
# What compiles generated clients, and the libraries that those stand on.
COMPILERS = (
    'golang-1.19-go', 'golang-1.19-src', 'libgeronimo-annotation-1.3-spec-java',
    'libhttpmime-java', 'libnewtonsoft-json5.0-cil', 'mono-mcs', 'mono-runtime-common',
    'mono-runtime-sgen', 'libmono-corlib4.5-dll', 'libmono-security4.0-cil', *(
        f'libmono-system{name}4.0-cil' for name in (
            '', '-componentmodel-dataannotations', '-configuration', '-core', '-data', '-net-http',
            '-numerics', '-runtime-serialization', '-security', '-web', '-xml', '-xml-linq')),
    'libmono-system-servicemodel-internals0.0-cil')
# With all that it needs and the machine has not got: a browser stands on many libraries.
BROWSER = 'chromium'
# The one in usr/bin is a script that looks for the browser in /usr/lib.
_PLACES = ('usr/lib/chromium', 'usr/lib/go-1.19/bin', 'usr/bin', 'usr/sbin', 'bin')
_LIBRARIES = ('usr/lib/*-linux-gnu', 'usr/lib/*-linux-gnu/pulseaudio')
_TO_INSTALL = re.compile(r'^Inst (\S+)', re.MULTILINE)


def path_of(program: str) -> str | None:
    """Where a program is: among those unpacked, or on the path."""
    unpacked = [str(FOLDER / place / program) for place in _PLACES]
    return next(filter(os.path.exists, unpacked), None) or shutil.which(program)


def environment() -> dict[str, str]:
    """The variables with which such a program finds its libraries."""
    libraries = [str(path) for pattern in _LIBRARIES for path in sorted(FOLDER.glob(pattern))]
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
    def run(*words: str) -> str:
        return subprocess.run([*apt, *words], cwd=packages, check=True, capture_output=True,
                              text=True).stdout

    run('update')
    browser = run('-s', '--no-install-recommends', 'install', BROWSER)
    run('download', *PACKAGES, *COMPILERS, *_TO_INSTALL.findall(browser))
    for package in packages.glob('*.deb'):
        subprocess.run(['dpkg', '-x', package, folder], check=True, capture_output=True, text=True)
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
        said = (getattr(error, 'stderr', None) or '').strip()
        print(f"The tests of {', '.join(PACKAGES[:6])}, {BROWSER} and compilers will be skipped: "
              f'{said or error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())

"""One fresh environment, and the core of the suite in it."""

import os
import subprocess
import xml.etree.ElementTree as ElementTree
from typing import NamedTuple

from supported import MXNET, lowest_numpys

LOWEST, HIGHEST = 'lowest', 'highest'
INSTALLED = '''
from importlib.metadata import version
import platform
print(platform.python_version(), version('numpy'), version('mxnet'))
'''


class Row(NamedTuple):
    python: str
    end: str
    numpy: str
    mxnet: str
    passed: int
    failed: int
    skipped: int

    @property
    def good(self):
        return self.passed > 0 and self.failed == 0


class Fresh:
    """A virtual environment in `folder`, made with `python` for the lowest or highest NumPy."""

    def __init__(self, folder, version, python, end):
        self.folder, self.version, self.python, self.end = folder, version, python, end
        self.log = folder / 'log.txt'

    def make(self, wheel):
        """Install the package as docs/install.md says."""
        self.folder.mkdir()
        self._run(self.python, '-m', 'venv', self.folder / 'env')
        lowest = [f'numpy=={lowest_numpys()[self.version]}'] if self.end == LOWEST else []
        self._pip(wheel, 'pytest', 'pytest-timeout', *lowest)
        if self.version_pair >= (3, 13):
            self._pip('--no-deps', MXNET)
        if self.end == HIGHEST:
            self._pip('--no-deps', '--upgrade', 'numpy>=2')

    @property
    def version_pair(self):
        return tuple(int(part) for part in self.version.split('.'))

    def test(self, checkout, files):
        """Run the files' core tests; a Row of what came out."""
        installed = self._run(self._env_python, '-c', INSTALLED).stdout.split()
        report = self.folder / 'report.xml'
        self._run(self._env_python, '-m', 'pytest', '-m', 'core', '-p', 'no:cacheprovider',
                  f'--junitxml={report}', f'--basetemp={self.folder / "tmp"}', *files,
                  cwd=checkout, check=False)
        python, numpy, mxnet = installed
        return Row(python, self.end, numpy, mxnet, *self._counts(report))

    def _counts(self, report):
        if not report.exists():
            return 0, 1, 0
        suite = ElementTree.parse(report).getroot().find('testsuite')
        tests, failed, errors, skipped = (
            int(suite.get(name)) for name in ('tests', 'failures', 'errors', 'skipped'))
        return tests - failed - errors - skipped, failed + errors, skipped

    @property
    def _env_python(self):
        return self.folder / 'env' / 'bin' / 'python'

    def _pip(self, *words):
        self._run(self._env_python, '-m', 'pip', 'install', '--quiet', *words)

    def _run(self, *words, cwd=None, check=True):
        """Run it; what it said goes into the log too."""
        environment = {**os.environ, 'PYTHONDONTWRITEBYTECODE': '1', 'PIP_ONLY_BINARY': 'numpy'}
        done = subprocess.run([str(word) for word in words], cwd=cwd or self.folder,
                              env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        with self.log.open('a') as log:
            log.write(f'$ {" ".join(map(str, words))}\n{done.stdout}\n')
        if check and done.returncode:
            raise RuntimeError(f'{words[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}')
        return done

"""What an installation and a source distribution hold."""

import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest
from extras import needs
from harness import REPO

pytestmark = needs('setuptools')

BUILD = """
import sys
from setuptools import build_meta
print(getattr(build_meta, sys.argv[1])(sys.argv[2]))
"""


@pytest.fixture(scope='module')
def checkout(tmp_path_factory):
    """A copy to build in: setuptools writes beside the sources."""
    copy = tmp_path_factory.mktemp('build') / 'checkout'
    shutil.copytree(REPO, copy, ignore=shutil.ignore_patterns(
        '.git', '.venv', '*.egg-info', 'build', 'dist', '__pycache__', '.*_cache'))
    return copy


def build(checkout, kind):
    """The file that a build front end gets of ``build_wheel`` or ``build_sdist``."""
    done = subprocess.run([sys.executable, '-c', BUILD, kind, str(checkout.parent)], cwd=checkout,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return checkout.parent / done.stdout.splitlines()[-1]


def files(folder, *patterns):
    return {str(path.relative_to(folder)) for pattern in patterns for path in folder.glob(pattern)
            if path.is_file()}


def test_a_wheel_holds_the_whole_package_and_nothing_else(checkout):
    with zipfile.ZipFile(build(checkout, 'build_wheel')) as wheel:
        names = {name for name in wheel.namelist() if '.dist-info/' not in name}
        [entry_points] = [name for name in wheel.namelist() if name.endswith('entry_points.txt')]
        commands = wheel.read(entry_points).decode()
    assert names == files(checkout, 'mms/**/*.py', 'mms/py.typed',
                          'mms/frontend/console/static/*', 'mms/frontend/docs/static/*')
    assert 'mxnet-model-server = mms.__main__:main' in commands
    assert 'mxnet-model-export = mms.__main__:export' in commands
    assert 'mxnet-model-predict = mms.__main__:predict' in commands


def test_a_source_distribution_holds_tests_documentation_and_examples(checkout):
    with tarfile.open(build(checkout, 'build_sdist')) as sdist:
        names = {name.partition('/')[2] for name in sdist.getnames()}
    assert files(checkout, 'mms/**/*.py', 'tests/**/*', 'docs/*', 'examples/**/*', 'benchmarks/*',
                 'README.md', 'CHANGELOG.md', 'LICENSE', 'Makefile', 'pyproject.toml',
                 'setup.py', 'deploy/**/*') <= names

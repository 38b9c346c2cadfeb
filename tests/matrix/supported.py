"""The Pythons and NumPys that pyproject.toml allows, and the Pythons of this machine."""

import os
import re
import shutil
import subprocess
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent.parent
PROJECT = (REPO / 'pyproject.toml').read_text(encoding='utf-8')
MXNET = re.search(r'"(mxnet==[\d.]+)', PROJECT)[1]


def versions():
    """The Python versions of the classifiers, as '3.9'."""
    return re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PROJECT)


def lowest_numpys():
    """Python version -> the lowest NumPy that pyproject.toml allows for it."""
    found = re.findall(r'"numpy>=([\d.]+); python_version (?:==|>=) \'(3\.\d+)\'"', PROJECT)
    return {version: numpy for numpy, version in found}


def version_of(python):
    """'3.9' of a command, or None if it is no Python that can make environments."""
    code = 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])'
    try:
        done = subprocess.run([python, '-c', code], capture_output=True, text=True, timeout=60)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def candidates(version):
    """Where a Python of this version may be: on the PATH, then among pyenv's."""
    yield f'python{version}'
    command = shutil.which('pyenv')
    root = os.environ.get('PYENV_ROOT') or (command and subprocess.run(
        [command, 'root'], capture_output=True, text=True).stdout.strip())
    if root:
        folders = Path(root, 'versions').glob(f'{version}.*')
        yield from sorted((str(folder / 'bin' / 'python3') for folder in folders), reverse=True)


def pythons():
    """Python version -> command: those of $PYTHONS, or what this machine has of each."""
    named = os.environ.get('PYTHONS', '').split()
    if named:
        return {version_of(python): python for python in named}
    found = {version: next((python for python in candidates(version)
                            if version_of(python) == version), None) for version in versions()}
    return {version: python for version, python in found.items() if python}

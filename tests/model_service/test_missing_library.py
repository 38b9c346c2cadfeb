"""MXNet that lacks a library is told as such: the service file that imports it is not blamed.

The driver is not missing here, nor is a wheel for CUDA there. A folder ``mxnet`` stands for it,
which loads a library that does not exist from ``base.py``, as MXNet does.
"""

import subprocess
import sys

import pytest
from harness import REPO, write_archive

BASE = 'import ctypes\nctypes.CDLL({library!r}, ctypes.RTLD_LOCAL)\n'


def wheel(folder, library):
    """A folder for the path, where ``import mxnet`` lacks `library`."""
    package = folder / 'wheel' / 'mxnet'
    package.mkdir(parents=True)
    (package / '__init__.py').write_text('from . import libinfo, base\n')
    (package / 'libinfo.py').write_text('')
    (package / 'base.py').write_text(BASE.format(library=library))
    return str(package.parent)


def loading(path, source, folder):
    """What a process says that loads a service file with such a path."""
    file = folder / 'service.py'
    file.write_text(source)
    code = ('import sys; from mms.errors import ServiceError\n'
            'from mms.model_service.service_file import load_service\n'
            'try: load_service(sys.argv[1])\nexcept ServiceError as error: print(error)\n')
    done = subprocess.run([sys.executable, '-c', code, str(file)], capture_output=True, text=True,
                          env={'PYTHONPATH': f'{path}:{REPO}'}, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(('library', 'parts'), [
    ('libcuda.so.1', ['the CUDA driver is missing', "Install NVIDIA's driver",
                      'plain mxnet==1.9.1']),
    ('libcusparse.so.11', ['a library is missing', 'LD_LIBRARY_PATH'])])
def test_the_library_is_named_and_the_file_is_not(library, parts, tmp_path):
    said = loading(wheel(tmp_path, library), 'import mxnet', tmp_path)
    assert said.startswith('MXNet cannot be imported')
    assert f'OSError: {library}' in said
    assert [part for part in parts if part not in said] == []
    assert 'service' not in said
    assert '\n' not in said


def test_a_library_that_the_file_itself_asks_for_is_the_file_s_matter(tmp_path):
    said = loading(wheel(tmp_path, 'libcuda.so.1'),
                   "import ctypes\nctypes.CDLL('libcuda.so.1234')", tmp_path)
    assert said.startswith('the service file cannot be loaded')
    assert 'service.py:2: OSError: libcuda.so.1234' in said


def test_a_server_that_cannot_import_mxnet_does_not_start_and_says_why(tmp_path):
    archive = write_archive(tmp_path, 'm', source='import mxnet\n')
    done = subprocess.run(
        [sys.executable, '-m', 'mms', '--models', f'm={archive}', '--port', '0'],
        env={'PYTHONPATH': f'{wheel(tmp_path, "libcuda.so.1")}:{REPO}', 'PATH': '/usr/bin:/bin'},
        cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert 'the CUDA driver is missing (OSError: libcuda.so.1' in last
    assert 'service file' not in last

"""A GPU that does not compute stops the start. Driver and wheel: see ``cuda_stand_in``."""

import os
import subprocess
import sys

import pytest
from cuda_stand_in import driver, wheel
from fleet import needs_compiler
from harness import REPO, write_archive

# The server, whose process that looks for GPUs finds the stand-in in place of MXNet's wheel.
SERVER = ("import sys; import mms.devices.gpu_probe as p; p._LOOK = 'import cuda_wheel; ' + "
          'p._LOOK; from mms.mxnet_model_server import main; sys.exit(main())')


@needs_compiler
@pytest.mark.parametrize(('words', 'said'), [
    (['--gpu', 'm=1'], '--gpu m=1'), (['--gpu', 'all'], '--gpu all'),
    (['--device', 'gpu:0,gpu:1'], '--device gpu:0,gpu:1')])
def test_a_wanted_gpu_without_code_stops_the_start_with_one_line(words, said, tmp_path):
    folders = [os.path.dirname(driver(tmp_path)), wheel(tmp_path, 'FullyConnected', 'zeros', (1,))]
    done = subprocess.run(
        [sys.executable, '-c', SERVER, '--models', f'm={write_archive(tmp_path, "m")}',
         '--port', '0', *words],
        env={**os.environ, 'LD_LIBRARY_PATH': folders[0], 'STAND_IN_CARDS': '2',
             'PYTHONPATH': f'{folders[1]}:{REPO}'},
        cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert f'{said}: GPU 1 (NVIDIA H200, compute capability 9.0, 141 GiB) cannot compute ' \
        'with mxnet-cu117' in last
    assert 'FullyConnected gives [0.0, 0.0] in place of [18.0, 25.0]' in last
    assert 'Traceback' not in done.stderr

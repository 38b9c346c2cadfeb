"""What the front learns of GPUs from the process that it asks."""

import os
import sys

import pytest
from cuda_stand_in import driver, wheel
from fleet import needs_compiler

from mms.devices.device import VisibleGPUs, refusal
from mms.devices.gpu_probe import _LOOK, probe_gpus

MISSING = 'libcuda.so.1: cannot open shared object file: No such file or directory'
NO_CODE = ('Check failed: err == cudaSuccess (209 vs. 0) : mxnet_generic_kernel ErrStr:no kernel '
           'image is available for execution on the device')


def test_mxnet_is_asked_and_not_imported():
    from mms.mxnet_engine.contexts import visible_gpus
    assert probe_gpus() == visible_gpus()


@pytest.mark.parametrize(('module', 'parts'), [
    (f'raise OSError({MISSING!r})', ['CUDA driver is missing', 'libcuda.so.1']),
    ('import os, sys\nprint("last words", file=sys.stderr, flush=True)\nos.abort()',
     ['MXNet ends with status', 'last words']),
], ids=['raises', 'aborts'])
def test_an_mxnet_that_cannot_be_imported_is_told_by_its_reason(
        module, parts, tmp_path, monkeypatch):
    (tmp_path / 'mxnet.py').write_text(module)
    monkeypatch.setattr(sys, 'path', [str(tmp_path), *sys.path])
    line = refusal('--gpu 0', [0], probe_gpus())
    assert [part for part in parts if part not in line] == []
    assert '\n' not in line


def test_a_python_without_numpy_is_told_so(tmp_path, monkeypatch):
    (tmp_path / 'numpy.py').write_text('raise ImportError("no NumPy is here")')
    monkeypatch.setattr(sys, 'path', [str(tmp_path), *sys.path])
    assert 'no NumPy is here' in probe_gpus().failure


def test_one_that_never_answers_is_not_waited_for(tmp_path, monkeypatch):
    (tmp_path / 'mxnet.py').write_text('import time; time.sleep(600)')
    monkeypatch.setattr(sys, 'path', [str(tmp_path), *sys.path])
    monkeypatch.setattr('mms.devices.gpu_probe._LONGEST_S', 0.5)
    monkeypatch.setattr('mms.devices.gpu_probe._LONGEST_EACH_S', 0.0)
    assert probe_gpus() == VisibleGPUs(failure='MXNet does not answer within 0 s')


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Puts a driver and a wheel there, stand-ins both: see ``cuda_stand_in``."""
    def install(*arguments, **options):
        monkeypatch.setenv('LD_LIBRARY_PATH', os.path.dirname(driver(tmp_path)))
        monkeypatch.setattr(sys, 'path', [wheel(tmp_path, *arguments, **options), *sys.path])
        monkeypatch.setattr('mms.devices.gpu_probe._LOOK', f'import cuda_wheel; {_LOOK}')

    monkeypatch.setenv('STAND_IN_CARDS', '2')
    return install


@needs_compiler
@pytest.mark.parametrize(('call', 'words', 'reason'), [
    ('multiply', NO_CODE, 'no kernel image is available for execution on the device'),
    ('FullyConnected', 'zeros', 'FullyConnected gives [0.0, 0.0]')])
def test_a_card_without_code_is_refused_in_one_line(machine, call, words, reason):
    machine(call, words)
    line = refusal('--gpu 0', [0], probe_gpus([0]))
    assert '\n' not in line
    assert line.startswith('--gpu 0: GPU 0 (NVIDIA H200, compute capability 9.0, 141 GiB) cannot '
                           'compute with mxnet-cu117, which has code for compute capability 5.x, '
                           '6.x, 7.x and 8.x alone')
    assert reason in line


@pytest.mark.measured
@needs_compiler
def test_a_full_card_is_told_apart_from_one_that_cannot_compute(machine):
    machine('multiply', 'cudaMalloc retry failed: out of memory')
    assert 'has no memory left' in refusal('--gpu 0', [0], probe_gpus([0]))


@pytest.mark.measured
@needs_compiler
def test_cards_that_compute_are_not_refused(machine):
    machine()
    assert probe_gpus([0, 1]) == probe_gpus() == VisibleGPUs(gpus=2)


@needs_compiler
def test_only_the_wanted_cards_compute(machine):
    machine('multiply', NO_CODE, bad=(1,))
    assert probe_gpus([0, 7]).unusable == ''
    assert probe_gpus([1]).unusable.startswith('GPU 1')
    assert probe_gpus().unusable.startswith('GPU 1'), 'all'


@needs_compiler
@pytest.mark.parametrize(('words', 'longest_s', 'failure'), [
    ('hangs', 12.0, 'MXNet does not answer within 12 s on GPU 1'),
    ('aborts', 120.0, 'MXNet ends with status -6 on GPU 1: terminate called')])
def test_the_card_on_which_mxnet_hangs_or_dies_is_named(
        machine, monkeypatch, words, longest_s, failure):
    machine('multiply', words, bad=(1,))
    monkeypatch.setattr('mms.devices.gpu_probe._LONGEST_S', longest_s)
    monkeypatch.setattr('mms.devices.gpu_probe._LONGEST_EACH_S', 0.0)
    assert probe_gpus([0, 1]) == VisibleGPUs(failure=failure)

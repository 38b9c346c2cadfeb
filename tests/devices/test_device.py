"""What is said of GPUs, for each thing that MXNet may report of them."""

import pytest

from mms.devices.device import CPU, GPU, Device, VisibleGPUs, counted, refusal

NO_DRIVER = 'OSError: libcuda.so.1: cannot open shared object file: No such file or directory'
OLD_DRIVER = 'MXNetError: CUDA: CUDA driver version is insufficient for CUDA runtime version'
NO_LIBRARY = 'OSError: libcudnn.so.8: cannot open shared object file: No such file or directory'


@pytest.mark.parametrize(('numbers', 'visible_gpus', 'parts'), [
    ([7], VisibleGPUs(cuda=False), ['sees no GPU', 'built without CUDA', 'mxnet-cu117',
                                    'leave out --gpu']),
    ([7], VisibleGPUs(failure=NO_DRIVER), ['sees no GPU', 'driver is missing', 'libcuda.so.1',
                                           'Install NVIDIA']),
    ([7], VisibleGPUs(failure=OLD_DRIVER), ['sees no GPU', 'too old', 'insufficient']),
    ([7], VisibleGPUs(failure=NO_LIBRARY), ['a library of CUDA is missing', 'libcudnn.so.8',
                                            'LD_LIBRARY_PATH']),
    ([7], VisibleGPUs(failure='MXNetError: CUDA: unknown error'),
     ['cannot reach any', 'unknown error']),
    ([7], VisibleGPUs(), ['sees no GPU', 'CUDA finds none']),
    ([0], VisibleGPUs(visible=''), ["CUDA_VISIBLE_DEVICES is ''"]),
    ([], VisibleGPUs(), ['sees no GPU']),
    ([7], VisibleGPUs(gpus=1), ['no GPU 7', 'sees 1 GPU: 0']),
    ([7], VisibleGPUs(gpus=2), ['no GPU 7', 'sees 2 GPUs: 0 and 1']),
    ([0, 3, 4], VisibleGPUs(gpus=3), ['no GPU 3', 'sees 3 GPUs: 0, 1 and 2']),
    ([8], VisibleGPUs(gpus=8), ['no GPU 8', 'sees 8 GPUs: 0 to 7']),
    ([0], VisibleGPUs(gpus=1, unusable='GPU 0 does not compute (x). Look'),
     ['GPU 0 does not compute (x)']),
    ([1], VisibleGPUs(gpus=1, unusable='GPU 0 does not compute'), ['no GPU 1']),
    ([1], VisibleGPUs(gpus=1, visible='3'), ['sees 1 GPU: 0', "CUDA_VISIBLE_DEVICES is '3'"]),
])
def test_a_gpu_that_cannot_be_had_is_one_line_that_says_what_mxnet_sees(
        numbers, visible_gpus, parts):
    line = refusal('--gpu 7', numbers, visible_gpus)
    assert line.startswith('--gpu 7: ')
    assert '\n' not in line
    assert [part for part in parts if part not in line] == []


@pytest.mark.parametrize('numbers', [[0], [1], [1, 0], []])
def test_gpus_that_are_there_are_not_refused(numbers):
    assert refusal('--gpu x', numbers, VisibleGPUs(gpus=2)) == ''


def test_devices_are_counted_where_one_is_there_twice():
    first, second = Device(GPU, 0), Device(GPU, 1)
    assert counted([first]) == 'gpu:0'
    assert counted([first, second, Device(CPU, 1)]) == 'gpu:0, gpu:1 and cpu:1'
    assert counted([first, second, first]) == '2 on gpu:0, 1 on gpu:1'

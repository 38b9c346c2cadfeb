"""Errors of CUDA are told apart by what they leave of the process. The texts are MXNet's own."""

import pytest

from mms.worker.devices.cuda_errors import is_device_error, is_out_of_memory

CHECK = 'Traceback (most recent call last):\n  File "../src/x.h", line 1\nMXNetError: '
FULL = CHECK + 'cudaMalloc retry failed: out of memory'
NO_CODE = (CHECK + 'Check failed: err == cudaSuccess (209 vs. 0) : mxnet_generic_kernel ErrStr:no '
           'kernel image is available for execution on the device')


@pytest.mark.parametrize('text', [
    FULL,
    CHECK + 'CUDA: Check failed: e == cudaSuccess: out of memory',
    CHECK + 'Check failed: e == CUDNN_STATUS_SUCCESS (2 vs. 0) : cuDNN: CUDNN_STATUS_ALLOC_FAILED',
    'std::bad_alloc',
])
def test_memory_that_does_not_suffice_spoils_nothing(text):
    error = RuntimeError(text)
    assert is_out_of_memory(error)
    assert not is_device_error(error)


def test_pythons_own_memory_error_is_one():
    assert is_out_of_memory(MemoryError())


@pytest.mark.parametrize('text', [
    NO_CODE,
    CHECK + 'CUDA: Check failed: e == cudaSuccess: an illegal memory access was encountered',
    CHECK + 'Check failed: e == cudaSuccess: CUDA: uncorrectable ECC error encountered',
    CHECK + 'Check failed: err == cudaSuccess (719 vs. 0) : Name: MapPlanKernel ErrStr:unspecified'
            ' launch failure',
    CHECK + 'cudaMalloc failed: device-side assert triggered',
    CHECK + 'Check failed: e == CUBLAS_STATUS_SUCCESS (13 vs. 0) : cuBLAS: '
            'CUBLAS_STATUS_EXECUTION_FAILED',
    'CUDA error: misaligned address',
])
def test_a_device_that_failed_leaves_a_process_that_is_of_no_use(text):
    error = RuntimeError(text)
    assert is_device_error(error)
    assert not is_out_of_memory(error)


@pytest.mark.parametrize('text', [
    'the printer is out of memory', 'misaligned address', 'unknown error', '',
    CHECK + 'Check failed: e == CUDNN_STATUS_SUCCESS (3 vs. 0) : cuDNN: CUDNN_STATUS_BAD_PARAM',
    CHECK + 'Check failed: dshape[1] == 3 (1 vs. 3) : Incompatible input shape',
])
def test_other_errors_are_neither(text):
    error = RuntimeError(text)
    assert not is_out_of_memory(error)
    assert not is_device_error(error)


def test_an_error_that_a_hook_puts_in_its_own_words_is_still_known():
    def wrapped(text):
        try:
            try:
                raise RuntimeError(text)
            except RuntimeError as error:
                raise ValueError('no prediction') from error
        except ValueError as error:
            return error

    assert is_device_error(wrapped(NO_CODE))
    assert is_out_of_memory(wrapped(FULL))
    assert not is_device_error(wrapped(FULL))


def test_an_error_in_a_circle_of_causes_ends():
    first, second = RuntimeError('one'), RuntimeError('two')
    first.__cause__, second.__cause__ = second, first
    assert not is_device_error(first)

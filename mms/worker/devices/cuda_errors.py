"""What an exception says of the device: that it has no memory left, or cannot compute any more.

CUDA and its libraries tell what failed in words, which MXNet puts into its own errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Optional

from mms.mxnet_engine.reasons import text_of

# Whose words they are; `ErrStr` is how MXNet tells of a kernel that was not launched.
_FROM_CUDA = re.compile(r'cuda|cudnn|cublas|curand|cusolver|cusparse|nccl|ErrStr:', re.IGNORECASE)
# cudaGetErrorString of cudaErrorMemoryAllocation, and the libraries' own names for it.
_GPU_MEMORY = re.compile(
    r'out of memory|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED|'
    r'CURAND_STATUS_ALLOCATION_FAILED|CUSOLVER_STATUS_ALLOC_FAILED|'
    r'CUSPARSE_STATUS_ALLOC_FAILED', re.IGNORECASE)
_MEMORY = re.compile(r'std::bad_alloc|Failed to allocate CPU Memory|cannot allocate memory',
                     re.IGNORECASE)
# After most of these, every call of CUDA in the process fails; after the others, nothing that is
# computed can be relied on.
_SPOILING = re.compile('|'.join((
    'an illegal memory access was encountered',             # cudaErrorIllegalAddress, 700
    'the launch timed out and was terminated',              # cudaErrorLaunchTimeout, 702
    'context is destroyed',                                 # cudaErrorContextIsDestroyed, 709
    'device-side assert triggered',                         # cudaErrorAssert, 710
    'hardware stack error',                                 # cudaErrorHardwareStackError, 714
    'an illegal instruction was encountered',               # cudaErrorIllegalInstruction, 715
    'misaligned address',                                   # cudaErrorMisalignedAddress, 716
    'operation not supported on global/shared address space',  # cudaErrorInvalidAddressSpace, 717
    'invalid program counter',                              # cudaErrorInvalidPc, 718
    'unspecified launch failure',                           # cudaErrorLaunchFailure, 719
    'uncorrectable ECC error',                              # cudaErrorECCUncorrectable, 214
    'uncorrectable NVLink error',                           # cudaErrorNvlinkUncorrectable, 220
    'no kernel image is available',                         # cudaErrorNoKernelImageForDevice, 209
    'device kernel image is invalid',                       # cudaErrorInvalidKernelImage, 200
    'CUDA-capable devices are busy or unavailable',         # cudaErrorDevicesUnavailable, 46
    'no CUDA-capable device is detected',                   # cudaErrorNoDevice, 100
    'invalid device ordinal',                               # cudaErrorInvalidDevice, 101
    'initialization error',                                 # cudaErrorInitializationError, 3
    'driver shutting down',                                 # cudaErrorCudartUnloading, 4
    'unknown error',                                        # cudaErrorUnknown, 999
    r'CU(BLAS|DNN|SOLVER|SPARSE)_STATUS_(EXECUTION_FAILED|INTERNAL_ERROR|MAPPING_ERROR|'
    r'NOT_INITIALIZED|ARCH_MISMATCH)',
    r'CURAND_STATUS_(LAUNCH_FAILURE|INTERNAL_ERROR|PREEXISTING_FAILURE|INITIALIZATION_FAILED|'
    r'ARCH_MISMATCH)',
)), re.IGNORECASE)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the memory of a GPU, or of the machine, did not suffice.

    The process is as good as before.
    """
    return any(_says_out_of_memory(one) for one in _chain(error))


def is_device_error(error: BaseException) -> bool:
    """Whether the device failed, in another way than for want of memory: the process computes
    nothing any more that can be relied on.
    """
    return any(_says_spoiled(one) for one in _chain(error))


def _says_out_of_memory(error: BaseException) -> bool:
    text = text_of(error)
    return isinstance(error, MemoryError) or bool(
        _MEMORY.search(text) or (_FROM_CUDA.search(text) and _GPU_MEMORY.search(text)))


def _says_spoiled(error: BaseException) -> bool:
    text = text_of(error)
    return bool(_FROM_CUDA.search(text) and _SPOILING.search(text))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and those over which it was raised: a hook may put it in its own words."""
    seen: set[int] = set()
    current: Optional[BaseException] = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__)

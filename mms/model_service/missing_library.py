"""An MXNet that cannot be imported for want of a library: no fault of the file that imports it."""

from __future__ import annotations

import traceback

from mms.mxnet_engine.reasons import reason_of

_DRIVER = 'libcuda.so'
_NOT_FOUND = 'cannot open shared object file'
# Where MXNet loads its own library.
_LOADER = ('mxnet', 'base.py')


def missing_library(error: BaseException) -> str:
    """Which library MXNet lacks, and how to mend it; an empty string for any other error."""
    if not isinstance(error, OSError) or _NOT_FOUND not in str(error) or not _is_of_mxnet(error):
        return ''
    reason = reason_of(error)
    if _DRIVER in reason:
        return (f'MXNet cannot be imported: its wheel is one for CUDA, and the CUDA driver is '
                f"missing ({reason}). Install NVIDIA's driver, or the plain mxnet==1.9.1 in the "
                "wheel's place; a container has to be started with the driver")
    return (f'MXNet cannot be imported: a library is missing ({reason}). Install it, or name its '
            'folder in LD_LIBRARY_PATH')


def _is_of_mxnet(error: BaseException) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return any(tuple(frame.filename.split('/')[-2:]) == _LOADER for frame in frames)

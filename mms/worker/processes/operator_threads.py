"""How many processor threads compute MXNet's operators in a worker that is not forked.

The OpenBLAS in MXNet's wheels takes one product on several threads at a time; a second one, of
another thread of the process, waits in a loop that has no end (``exec_blas``: a plain flag, read
once). So only the thread that runs the hooks computes on several threads. Those that a service
starts compute on one, as ``OMP_NUM_THREADS`` says.
"""

from __future__ import annotations

import os
from types import ModuleType

from mms.devices.device import GPU
from mms.ipc.messages import Load
from mms.mxnet_compat import after_import
from mms.worker.processes.forking import set_threads

# Of OpenMP 5.0, which GCC has since 9: ends the helpers of the calling thread.
_END_HELPERS = 'omp_pause_resource_all'
_HARD = 2


def prepare_threads(load: Load) -> None:
    """Give the thread that imports MXNet the threads of this process, and let its forks compute.

    The threads of OpenMP are lost in a fork: a process of ``multiprocessing``, of a
    ``DataLoader`` say, would wait for them in its first operator. So those of the thread that
    forks end before; they start anew, on either side, when they are needed.
    """
    after_import.call('mxnet', lambda mxnet: _begin(mxnet, _own_threads(load)))


def _begin(mxnet: ModuleType, threads: int) -> None:
    if threads > 1:
        set_threads(threads)
    end_helpers = getattr(mxnet.base._LIB, _END_HELPERS, None)
    if end_helpers is not None:
        os.register_at_fork(before=lambda: end_helpers(_HARD))
        return
    # Not enough for a network that the forking thread has run: what oneDNN compiled for it counts
    # on the threads that it was compiled for.
    os.register_at_fork(after_in_child=lambda: set_threads(1))


def _own_threads(load: Load) -> int:
    """Of a process that was started to compute on a number of threads; 1 for all others."""
    if load.device is not None and load.device.kind == GPU:
        return 1
    return load.threads[0] if load.explored or load.device is not None else 1

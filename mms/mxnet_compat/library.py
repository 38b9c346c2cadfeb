"""MXNet's library, loaded in a way that leaves the process fit to be forked."""

from __future__ import annotations

import ctypes
import threading
from contextlib import suppress
from types import ModuleType

# The module that says where the library is; MXNet loads the library right after its import.
LIBINFO = 'mxnet.libinfo'


def load_in_a_thread_that_ends(libinfo: ModuleType) -> None:
    """Load the library before MXNet does, and leave no thread behind.

    While it is loaded, MXNet times loops on two threads, on three, and so on up to half of
    the cores (``OperatorTune<float>::GetOMPLoopOverhead``), whatever ``OMP_NUM_THREADS``
    says. OpenMP keeps these threads for the thread that had the loops run, and ends them
    with it. Were that the main thread, each fork of it would wait for threads that it has
    not got.

    Parameters
    ----------
    libinfo
        The module ``mxnet.libinfo``.
    """
    thread = threading.Thread(target=_load, args=(libinfo,), name='mxnet-library')
    thread.start()
    thread.join()


def _load(libinfo: ModuleType) -> None:
    # MXNet is about to say itself that there is no library, or that it cannot be loaded.
    with suppress(RuntimeError, OSError):
        ctypes.CDLL(libinfo.find_lib_path()[0], ctypes.RTLD_LOCAL)

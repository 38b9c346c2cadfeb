"""MXNet's library, loaded in a way that leaves the process fit to be forked."""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType

# The module that says where the library is; MXNet loads the library right after its import.
LIBINFO = 'mxnet.libinfo'
# More than the C library has for what it knows of a signal's handler.
_HANDLER_BYTES = 1024


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
    with _the_same_at_a_crash():
        thread.start()
        thread.join()


@contextmanager
def _the_same_at_a_crash() -> Iterator[None]:
    """MXNet would handle the signal itself: print one line, and exit with status 255. To whoever
    waits for the process that is no crash, and what runs at an exit may hang in one.
    """
    c_library = ctypes.CDLL(None)
    handler = ctypes.create_string_buffer(_HANDLER_BYTES)
    c_library.sigaction(signal.SIGSEGV, None, handler)
    yield
    c_library.sigaction(signal.SIGSEGV, handler, None)


def _load(libinfo: ModuleType) -> None:
    # MXNet is about to say itself that there is no library, or that it cannot be loaded.
    with suppress(RuntimeError, OSError):
        ctypes.CDLL(libinfo.find_lib_path()[0], ctypes.RTLD_LOCAL)

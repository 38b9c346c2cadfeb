"""A warm process as the template of workers: forked from it, they share its memory.

Measured (AlexNet, 233 MB): a fork is there within 10 ms and has some 40 MB of its own, against
500 MB and seconds of a process that loads the model itself.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from contextlib import suppress
from typing import Callable, Optional

from mms.runtime.parent import die_with_parent
from mms.runtime.private_memory import trim_malloc
from mms.runtime.process_name import set_process_name


def fork_worker(descriptors: list[int], onto: list[int], name: str = 'mms-worker') -> int:
    """Fork; the child continues where the parent stands.

    Parameters
    ----------
    descriptors
        The child's own message socket, log socket and output pipe; closed in the parent.
    onto
        Numbers that the child finds the first two at: those of the parent's own.
    name
        Of its process.

    Returns
    -------
    int
        Process id of the child; 0 in the child.

    Raises
    ------
    OSError
        No process can be made.
    """
    gc.collect()
    gc.freeze()
    # What the warm-up has freed would be copied into each worker that uses it again.
    trim_malloc()
    parent = os.getpid()
    try:
        pid = os.fork()
        if not pid:
            _become_worker(parent, descriptors, onto, name)
    finally:
        for fd in descriptors:
            os.close(fd)
    return pid


def _become_worker(parent: int, descriptors: list[int], onto: list[int], name: str) -> None:
    os.setsid()
    die_with_parent(parent)
    set_process_name(name)
    channel, log, output = descriptors
    os.set_blocking(channel, True)
    os.dup2(channel, onto[0], inheritable=False)
    os.dup2(log, onto[1], inheritable=False)
    os.dup2(output, 1)
    os.dup2(output, 2)


def reap(pid: int) -> Optional[int]:
    """Exit status of a child, -N for signal N; None while it runs.

    What the child has started and left in its process group ends with it.
    """
    try:
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        return 0


def set_threads(count: int) -> None:
    """Let MXNet's operators compute on so many threads, when the calling thread runs them.

    Only in a thread that has run none yet: MXNet keeps what oneDNN compiled for the calling
    thread, made for the number that was set at that time. With another number it computes no
    faster, or crashes (seen with MobileNet v2).
    """
    mxnet = sys.modules.get('mxnet')
    if mxnet is not None:
        mxnet.base._LIB.MXSetNumOMPThreads(ctypes.c_int(count))


def numpy_semantics() -> Callable[[], None]:
    """What ``mx.npx.set_np`` has set in this thread alone, to be set in another one."""
    mxnet = sys.modules.get('mxnet')
    if mxnet is None:
        return lambda: None
    array, shape = mxnet.util.is_np_array(), mxnet.util.is_np_shape()
    if not (array or shape):
        return lambda: None
    return lambda: mxnet.util.set_np(shape=shape, array=array)


def reseed_random() -> None:
    """Seed the random numbers of NumPy and MXNet anew: forked workers would all draw the same."""
    numpy, mxnet = sys.modules.get('numpy'), sys.modules.get('mxnet')
    if numpy is not None:
        numpy.random.seed()
    if mxnet is not None:
        mxnet.random.seed(int.from_bytes(os.urandom(4), 'little') >> 1)

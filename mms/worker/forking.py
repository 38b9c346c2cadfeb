"""A warm process as the template of workers: forked from it, they share its memory.

Measured (AlexNet, 233 MB): a fork is there within 10 ms and has some 40 MB of its own, against
500 MB and seconds of a process that loads the model itself.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Callable, Optional

from mms.worker.parent import die_with
from mms.worker.process_name import set_process_name

# What would have two owners after a fork, so that answers get mixed up: a connection to a
# database, the pipes to a helper process.
_SHARED_KINDS = ('socket:', 'pipe:', 'anon_inode:')
# A thread that was joined is seen for a moment longer.
_THREAD_ENDS_S = 0.3
_POLL_S = 0.01


def open_files() -> set[tuple[str, str]]:
    """Number and target of what this process has open and a fork would share: sockets, pipes,
    and files, the position in which is shared, but for those that are only appended to.
    """
    found = set()
    with suppress(OSError):
        for fd in os.listdir('/proc/self/fd'):
            with suppress(OSError):
                target = os.readlink(f'/proc/self/fd/{fd}')
                is_file = target.startswith('/') and not target.startswith(('/dev/', '/proc/'))
                if target.startswith(_SHARED_KINDS) or (is_file and not _appends(int(fd))):
                    found.add((fd, target))
    return found


def _appends(fd: int) -> bool:
    return bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND)


def native_threads() -> int:
    """Threads of this process, those that are not Python's included; 1 where none can be seen."""
    try:
        return len(os.listdir('/proc/self/task'))
    except OSError:
        return 1


def settled_threads(known: int) -> int:
    """Like :func:`native_threads`, but patient with threads that are just ending.

    Parameters
    ----------
    known
        As many are expected.
    """
    end = time.monotonic() + _THREAD_ENDS_S
    while native_threads() > known and time.monotonic() < end:
        time.sleep(_POLL_S)
    return native_threads()


def fork_worker(descriptors: list[int], onto: list[int]) -> int:
    """Fork; the child continues where the parent stands.

    Parameters
    ----------
    descriptors
        The child's own message socket, log socket and output pipe; closed in the parent.
    onto
        Numbers that the child finds the first two at: those of the parent's own.

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
    parent = os.getpid()
    try:
        pid = os.fork()
        if not pid:
            _become_worker(parent, descriptors, onto)
    finally:
        for fd in descriptors:
            os.close(fd)
    return pid


def _become_worker(parent: int, descriptors: list[int], onto: list[int]) -> None:
    os.setsid()
    die_with(parent)
    set_process_name('mms-worker')
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


def draw_other_numbers() -> None:
    """Seed the random numbers of NumPy and MXNet anew: forked workers would all draw the same."""
    numpy, mxnet = sys.modules.get('numpy'), sys.modules.get('mxnet')
    if numpy is not None:
        numpy.random.seed()
    if mxnet is not None:
        mxnet.random.seed(int.from_bytes(os.urandom(4), 'little') >> 1)


def python_threads() -> list[str]:
    """Names of the threads of Python beside the calling one and the main one."""
    ours = (threading.main_thread(), threading.current_thread())
    return [thread.name for thread in threading.enumerate() if thread not in ours]

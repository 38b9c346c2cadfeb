"""A copy of this process that finds something out and is thrown away."""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import sys
import time
from contextlib import suppress
from typing import Any, Callable, NoReturn, TypeVar

from mms.mxnet_engine.reasons import RAISED, text_of
from mms.runtime.parent import die_with_parent
from mms.worker.processes.forking import reseed_random

_Found = TypeVar('_Found')
_READ_BYTES = 1 << 16
_SIZE = struct.Struct('!Q')
# A process that has told what it found, or crashed, ends within.
_ENDS_S = 0.5
_POLL_S = 0.002


class ForkFailed(Exception):
    """The copy found nothing out: one clause on how it ended."""


class ForkTimedOut(ForkFailed):
    """It was not done in time."""


def run_in_fork(work: Callable[[], _Found], seconds: float, reseed: bool = False) -> _Found:
    """What `work` returns in a fork of this process, in which nothing is changed by it.

    What the fork has started ends with it, but for what has left its process group.

    Parameters
    ----------
    work
        Runs in the fork; what it returns is pickled.
    seconds
        How long it may take.
    reseed
        Whether random numbers are others there than they would be here.

    Raises
    ------
    ForkFailed
        It raised, took longer, or ended its process.
    """
    reader, writer = os.pipe()
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(reader)
        os.close(writer)
        raise ForkFailed(f'no process can be started ({error.strerror})') from error
    if not pid:
        os.close(reader)
        _work_and_end(work, writer, parent, reseed)
    os.close(writer)
    try:
        found = _received(reader, time.monotonic() + seconds)
    except TimeoutError:
        raise ForkTimedOut(f'it takes longer than {seconds:.0f} s') from None
    finally:
        os.close(reader)
        status = _end(pid)
    if not found:
        raise ForkFailed(f'it ends its process ({_manner(status)})')
    value: Any = pickle.loads(found)
    if isinstance(value, ForkFailed):
        raise value
    found_out: _Found = value
    return found_out


def _work_and_end(work: Callable[[], Any], writer: int, parent: int,
                  reseed: bool) -> NoReturn:
    try:
        os.setsid()
        die_with_parent(parent)
        if reseed:
            reseed_random()
        found = pickle.dumps(_found(work))
        sys.stdout.flush()
        sys.stderr.flush()
        with os.fdopen(writer, 'wb') as pipe:
            pipe.write(_SIZE.pack(len(found)) + found)
    finally:
        os._exit(0)


def _found(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except RAISED as error:
        return ForkFailed(f'{type(error).__name__}: {text_of(error)}')


def _received(reader: int, end: float) -> bytes:
    """What the fork has found, pickled; nothing if it has ended without.

    A process that it has started may hold the pipe open for longer.
    """
    poll, data = select.poll(), bytearray()
    poll.register(reader, select.POLLIN)
    while len(data) < _SIZE.size or len(data) < _SIZE.size + _SIZE.unpack_from(data)[0]:
        if not poll.poll(1000 * max(0.0, end - time.monotonic())):
            raise TimeoutError
        chunk = os.read(reader, _READ_BYTES)
        if not chunk:
            return b''
        data += chunk
    return bytes(data[_SIZE.size:])


def _end(pid: int) -> int:
    """End the fork, if it does not end in a moment, and what it has left in its process group;
    its exit status, -N for signal N.
    """
    end = time.monotonic() + _ENDS_S
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_S)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _manner(status: int) -> str:
    if status >= 0:
        return f'exit status {status}'
    return next((number.name for number in signal.Signals if number == -status),
                f'signal {-status}')

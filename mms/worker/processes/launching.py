"""A process that is forked from another, and is the child of the front all the same."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Optional

from mms.runtime.process_name import set_command_line
from mms.worker.processes.forking import reseed_random

# The kernel gives a process to its next parent while the last one ends.
_ADOPTION_POLL_S = 0.0002
_PID_BYTES = 4


def fork_model(descriptors: Sequence[int], not_its_own: Sequence[int], endpoint: str) -> int:
    """Fork twice; the grandchild continues where this process stands, as a child of the front.

    The process between ends at once, and the front adopts what it leaves: it alone sees how the
    grandchild ends, and the grandchild ends with it, whatever becomes of this process.

    Parameters
    ----------
    descriptors
        The grandchild's own message socket, log socket and output pipe; closed here.
    not_its_own
        What is closed there.
    endpoint
        The model's name, for those who read ``ps``.

    Returns
    -------
    int
        Process id of the grandchild; 0 in there.

    Raises
    ------
    OSError
        No process can be made.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    pipe: Sequence[int] = ()
    try:
        pipe = reader, writer = os.pipe()
        between = os.fork()
    except OSError:
        _close([*pipe, *descriptors])
        raise
    if not between:
        with _ends_of_errors():
            _end_for_grandchild(writer)
            _close([reader, writer, *not_its_own])
            _become_model(descriptors, endpoint)
        return 0
    _close([writer, *descriptors])
    told = os.read(reader, _PID_BYTES)
    os.close(reader)
    status = os.waitstatus_to_exitcode(os.waitpid(between, 0)[1])
    if status < 0:
        raise OSError(errno.ECHILD, f'the process between was ended by signal {-status}')
    if status or not told:
        raise OSError(status, os.strerror(status))
    return int.from_bytes(told, 'big')


def is_of_a_library(error: BaseException) -> bool:
    """Whether a service does not load since a shared library could not be: which of them are there
    already may be why.
    """
    cause: Optional[BaseException] = error
    while cause is not None:
        if isinstance(cause, (ImportError, OSError)) and '.so' in str(cause):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


@contextmanager
def _ends_of_errors() -> Iterator[None]:
    """In a fork: what goes wrong ends it, since it would go on as one more launcher."""
    try:
        yield
    except BaseException:
        try:
            # As Python itself would say it, to the pipe that the front logs.
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(errno.ECANCELED)


def _end_for_grandchild(writer: int) -> None:
    """Fork, and end; return in the child, once it has another parent."""
    between = os.getpid()
    # The group of a launcher that has ended is ended: this one is in another.
    os.setsid()
    try:
        pid = os.fork()
        if pid:
            os.write(writer, pid.to_bytes(_PID_BYTES, 'big'))
            os._exit(0)
    except OSError as error:
        os._exit(error.errno or 1)
    while os.getppid() == between:
        time.sleep(_ADOPTION_POLL_S)


def _become_model(descriptors: Sequence[int], endpoint: str) -> None:
    os.setsid()
    set_command_line(f'mms-model --model {endpoint}')
    sys.argv[1:] = ['--model', endpoint]
    output = descriptors[2]
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    reseed_random()


def _close(descriptors: Iterable[int]) -> None:
    for fd in descriptors:
        os.close(fd)

"""How a process of a model is started: a Python of its own, or a fork of a warm one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Callable, NamedTuple, Optional, Protocol

from mms.runtime.adoption import can_adopt
from mms.runtime.interrupts import signals_held_in_children
from mms.runtime.killing import kill, kill_group
from mms.runtime.model_identity import Identity

_WORKER = 'from mms.worker.main import main; sys.exit(main())'
_LAUNCHER = 'from mms.worker.launcher import main; sys.exit(main())'
_NAIVE = 'NaiveEngine'
_ENVIRONMENT = {
    # MXNet says on standard error, for every Module, that it fuses operators.
    'MXNET_SUBGRAPH_VERBOSE': '0',
}
_GPU_ENVIRONMENT = {
    # MXNet warns of each cuDNN that is newer than the one it was built with.
    'MXNET_CUDNN_LIB_CHECKING': '0',
}
_CPU_ENVIRONMENT = {
    # Operators run where they are called: no threads that a fork would lose, and errors appear
    # there.
    'MXNET_ENGINE_TYPE': _NAIVE,
    # How long a thread that waits for its team spins. OpenMP's own 300,000 rounds make AlexNet on
    # two threads take 25 to 105 ms beside one busy process, this 24 (alone: 14 to 16 either way).
    'GOMP_SPINCOUNT': '1000',
}


class Ends(NamedTuple):
    """Descriptors of a process's own: its ends of the message and log sockets, and its output."""

    channel: int
    log: int
    output: int


class Handle(Protocol):
    """A process that was started."""

    pid: int

    def poll(self) -> Optional[int]:
        """Exit status, -N for signal N; None while it runs."""

    def kill(self) -> None:
        """End it at once; nothing happens if it has ended."""

    def ends_with_template(self) -> bool:
        """Whether it has ended, or will, because the one that it was forked from has ended."""


# Starts a process that takes the ends over; raises OSError when none can be started.
Spawner = Callable[[Ends], Handle]


class Program(NamedTuple):
    """What a process runs.

    Attributes
    ----------
    python
        The words that have Python run it.
    environment
        What it is told by its environment.
    folder
        Where it is; None where that has no name any more.
    """

    python: tuple[str, ...]
    environment: dict[str, str]
    folder: Optional[str]


def model_program(identity: Identity, threads: Optional[int]) -> Program:
    """That of a process that loads a model.

    Parameters
    ----------
    identity
        Who it is.
    threads
        Processor threads of one operator; None on a GPU.
    """
    return _program(_WORKER, identity, threads)


def launcher_program(identity: Identity) -> Optional[Program]:
    """That of the launcher; None where its forks would not compute as models do, or would not be
    children of this process.
    """
    program = _program(_LAUNCHER, identity, 1)
    is_naive = program.environment['MXNET_ENGINE_TYPE'] == _NAIVE
    return program if is_naive and can_adopt() else None


def _program(code: str, identity: Identity, threads: Optional[int]) -> Program:
    folder = None
    with suppress(OSError):
        folder = os.getcwd()
    return Program(tuple(identity.python(code)), _environment(threads, identity.environment()),
                   folder)


class Spawned:
    """A process that is a Python of its own.

    Parameters
    ----------
    ends
        What it inherits.
    program
        What it runs.
    identity
        Who it is.
    log_level
        Lowest level that it logs.
    words
        More words, for those who read ``ps``.
    """

    def __init__(self, ends: Ends, program: Program, identity: Identity, log_level: int,
                 words: Sequence[str] = ()) -> None:
        command = [
            *program.python, *words, '--fd', str(ends.channel), '--log-fd', str(ends.log),
            '--parent', str(os.getpid()), '--log-level', str(log_level),
        ]
        # A session of its own: Ctrl-C on a terminal is for the front, which drains, and what
        # the service starts is in the worker's process group.
        identity.own(ends.output)
        with signals_held_in_children():
            self._process = subprocess.Popen(
                command, pass_fds=(ends.channel, ends.log), stdin=subprocess.DEVNULL,
                stdout=ends.output, stderr=ends.output, start_new_session=True,
                env=program.environment, **identity.arguments())
        self.pid = self._process.pid
        self._status: Optional[int] = None

    def poll(self) -> Optional[int]:
        """Exit status, -N for signal N; None while it runs."""
        if self._status is None and _has_ended(self.pid):
            # Helpers that the service started and left behind. Until it is reaped, the number of
            # its group is no other's.
            kill_group(self.pid)
            self._status = self._process.wait()
        return self._status

    def kill(self) -> None:
        """End it at once; nothing happens if it has ended."""
        self._process.kill()

    def ends_with_template(self) -> bool:
        """Never: it was not forked."""
        return False


class Launched:
    """A child of this process that the launcher has forked.

    Parameters
    ----------
    pid
        Its process id.
    uid
        Number of its user; None for any.
    """

    def __init__(self, pid: int, uid: Optional[int]) -> None:
        self.pid = pid
        self._uid = uid
        self._status: Optional[int] = None

    def poll(self) -> Optional[int]:
        """Exit status, -N for signal N; None while it runs."""
        if self._status is None and _has_ended(self.pid):
            kill_group(self.pid, self._uid)
            try:
                self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            except ChildProcessError:
                self._status = 0
        return self._status

    def kill(self) -> None:
        """End it at once; nothing happens if it has ended."""
        # It keeps its number until it is reaped.
        if self._status is None:
            kill(self.pid, self._uid)

    def ends_with_template(self) -> bool:
        """Never: it is no child of the launcher."""
        return False


def _has_ended(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        # Somebody else has reaped it.
        return True


def _environment(threads: Optional[int], given: Mapping[str, str]) -> dict[str, str]:
    if threads is None:
        return {**_ENVIRONMENT, **_GPU_ENVIRONMENT, **given}
    # The number that the user may have set is heeded when the workers' share is chosen.
    environment = {**_ENVIRONMENT, **_CPU_ENVIRONMENT, 'OPENBLAS_NUM_THREADS': str(threads),
                   **given, 'OMP_NUM_THREADS': str(threads)}
    if environment['MXNET_ENGINE_TYPE'] == _NAIVE:
        # For threads of the service's own: `mms.worker.processes.operator_threads` gives that of
        # the hooks its number. MXNet's other engines compute on threads that they start themselves.
        environment['OMP_NUM_THREADS'] = '1'
    return environment

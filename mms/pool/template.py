"""A process that holds a warm model and forks workers, which share its memory."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Optional

from gevent.lock import RLock

from mms.errors import ServiceError
from mms.ipc.findings import Findings, Fusion
from mms.ipc.messages import Explore, Fork, Forked, Fuse, Fused, Message, Reap, Reaped
from mms.pool.process import WorkerProcess
from mms.pool.process_errors import NoAnswer, WorkerGone
from mms.pool.spawn import Ends, Spawner
from mms.runtime.killing import is_process_id, kill, kill_group
from mms.runtime.model_identity import Identity

# It does nothing but fork and reap: what takes longer has broken it.
_LONGEST_ANSWER_S = 10.0
# To give a network another form, and to see that it still answers the same, takes some runs.
_LONGEST_FUSION_S = 90.0


class Template:
    """The one process of a model that loads it.

    Parameters
    ----------
    process
        Loaded, and able to fork.
    identity
        Who it is; None for the user of the front.
    """

    def __init__(self, process: WorkerProcess, identity: Optional[Identity] = None) -> None:
        self._process = process
        self._identity = identity or Identity()
        self._turn = RLock()

    @property
    def gone(self) -> bool:
        """It has ended; its workers end with it."""
        return self._process.gone

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def spawner(self, threads: int) -> Spawner:
        """How a worker of so many threads is forked."""
        return lambda ends: self._fork(ends, Fork(threads))

    def explorer(self, known: Optional[Findings]) -> Spawner:
        """How a process is forked that measures what pays; `known` has only to be proven."""
        return lambda ends: self._fork(ends, Explore(known))

    def fuse(self, forms: Sequence[Fusion]) -> bool:
        """Give its networks forms that are faster; whether workers that are forked from now on have
        any.
        """
        answer = self._ask(Fuse(forms), seconds=_LONGEST_FUSION_S)
        return isinstance(answer, Fused) and answer.changed

    def status_of(self, pid: int) -> Optional[int]:
        """Exit status of a worker; None while it runs."""
        answer = self._ask(Reap(pid))
        # With the template go its workers.
        return answer.status if isinstance(answer, Reaped) else -signal.SIGKILL

    def close(self) -> None:
        """End the process; all its workers have ended."""
        self._process.close()

    def kill(self) -> None:
        """End the process at once, and with it its workers."""
        self._process.kill()

    def _fork(self, ends: Ends, fork: Message) -> _ForkedHandle:
        self._identity.own(ends.output)
        answer = self._ask(fork, ends)
        if not isinstance(answer, Forked):
            raise ServiceError('its template process has ended')
        if not answer.pid:
            raise ServiceError(answer.reason)
        if not is_process_id(answer.pid):
            raise ServiceError(f'its template process says {answer.pid!r} for a process id')
        return _ForkedHandle(self, answer.pid, self._identity.uid)

    def _ask(self, message: Message, ends: Optional[Ends] = None,
             seconds: float = _LONGEST_ANSWER_S) -> Optional[Message]:
        with self._turn:
            try:
                return self._process.exchange(message, seconds, ends)
            except NoAnswer:
                self._process.abort()
            except WorkerGone:
                pass
            return None


class _ForkedHandle:
    """A worker whose parent is the template: the template alone can reap it."""

    def __init__(self, template: Template, pid: int, uid: Optional[int]) -> None:
        self._template = template
        self._uid = uid
        self._status: Optional[int] = None
        self.pid = pid

    def poll(self) -> Optional[int]:
        if self._status is None:
            status = self._template.status_of(self.pid)
            if self._template.gone:
                # Helpers that the service started and left behind: the template reaps no more.
                kill_group(self.pid, self._uid)
            # Of two that ask, the second is told of no such child.
            self._status = status if self._status is None else self._status
        return self._status

    def kill(self) -> None:
        # It keeps its number until it is reaped, and it is only reaped to be polled.
        if self._status is None and not self._template.gone:
            kill(self.pid, self._uid)

    def ends_with_template(self) -> bool:
        return self._template.gone

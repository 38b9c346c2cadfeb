"""A process that holds a warm model and forks workers, which share its memory."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Optional

from gevent.lock import RLock

from mms.errors import ServiceError
from mms.ipc.messages import Fork, Forked, Message, Reap, Reaped
from mms.pool.process import NoAnswer, WorkerGone, WorkerProcess
from mms.pool.spawn import Ends, Spawner

# It does nothing but fork and reap: what takes longer has broken it.
_LONGEST_ANSWER_S = 10.0


class Template:
    """The one process of a model that loads it.

    Parameters
    ----------
    process
        Loaded, and able to fork.
    """

    def __init__(self, process: WorkerProcess) -> None:
        self._process = process
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
        return lambda ends: self._fork(ends, threads)

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

    def _fork(self, ends: Ends, threads: int) -> _ForkedHandle:
        answer = self._ask(Fork(threads), ends)
        if not isinstance(answer, Forked):
            raise ServiceError('its template process has ended')
        if not answer.pid:
            raise ServiceError(answer.reason)
        return _ForkedHandle(self, answer.pid)

    def _ask(self, message: Message, ends: Optional[Ends] = None) -> Optional[Message]:
        with self._turn:
            try:
                return self._process.exchange(message, _LONGEST_ANSWER_S, ends)
            except NoAnswer:
                self._process.abort()
            except WorkerGone:
                pass
            return None


class _ForkedHandle:
    """A worker whose parent is the template: the template alone can reap it."""

    def __init__(self, template: Template, pid: int) -> None:
        self._template = template
        self._status: Optional[int] = None
        self.pid = pid

    def poll(self) -> Optional[int]:
        if self._status is None:
            status = self._template.status_of(self.pid)
            if self._template.gone:
                # Helpers that the service started and left behind: the template reaps no more.
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, signal.SIGKILL)
            # Of two that ask, the second is told of no such child.
            self._status = status if self._status is None else self._status
        return self._status

    def kill(self) -> None:
        # It keeps its number until it is reaped, and it is only reaped to be polled.
        if self._status is None and not self._template.gone:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def ends_with_template(self) -> bool:
        return self._template.gone

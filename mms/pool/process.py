"""One worker process as the front sees it: start, handshake, exchange, end."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from contextlib import suppress
from typing import Callable, Optional

import gevent
from gevent import socket
from gevent.event import AsyncResult

from mms.child_python import child_python
from mms.errors import ServiceError
from mms.pool.output import OutputPipe, relay_outputs, relay_records
from mms.wire import Channel, ChannelClosed, Failure, Load, Message, Ready, Request

logger = logging.getLogger(__name__)

_WORKER = 'from mms.worker.main import main; sys.exit(main())'
# MXNet says on standard error, for every Module, that it fuses operators.
_WORKER_ENVIRONMENT = {'MXNET_SUBGRAPH_VERBOSE': '0'}
# How long a worker that was told to go may take before it is killed.
_GRACE_S = 3.0
_REAP_POLL_S = 0.01
# What a dead worker has logged and printed is read within a moment.
_LAST_WORDS_S = 1.0


class WorkerGone(Exception):
    """The worker's process ended; the text says how."""


class NotSent(WorkerGone):
    """It ended before it had the message whole: another worker may have it."""


class WorkerProcess:
    """A child process that holds one model and answers one message at a time.

    Parameters
    ----------
    load
        What the worker is told to load.
    on_death
        Called once, with this object, when the process has ended by itself.

    Attributes
    ----------
    ready
        What the worker said of itself when it was loaded.
    gone
        The process has ended.
    was_used
        It answered, or was given a request, since it was loaded.
    """

    ready: Ready
    _process: subprocess.Popen[bytes]
    _channel: Channel

    def __init__(self, load: Load, on_death: Callable[[WorkerProcess], None]) -> None:
        self._load = load
        self._on_death = on_death
        self._closing = False
        self._reaped = False
        self._pending: Optional[AsyncResult] = None
        self.gone = False
        self.was_used = False

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._process.pid

    def start(self, timeout_s: Optional[float] = None) -> None:
        """Start the process and wait until its model is loaded.

        Parameters
        ----------
        timeout_s
            How long that may take; None for as long as it takes.

        Raises
        ------
        ServiceError
            The model does not load; the message says why.
        """
        self._spawn()
        late = ServiceError(f'it did not load within {timeout_s or 0:.0f} s')
        try:
            with gevent.Timeout(timeout_s, late):
                self.ready = self._handshake()
        except BaseException:
            self.kill()
            raise
        gevent.spawn(self._read)

    def exchange(self, message: Message) -> Message:
        """Send one message and wait for its answer.

        Raises
        ------
        WorkerGone
            The process ended before it answered.
        """
        if self.gone:
            raise NotSent(self._how_it_ended())
        pending = self._pending = AsyncResult()
        try:
            self._channel.send(message)
        except ChannelClosed as error:
            # The reader will see the end of the stream too, and mourn.
            self.gone = True
            raise NotSent(str(error)) from error
        self.was_used = self.was_used or isinstance(message, Request)
        answer: Message = pending.get()
        return answer

    def abort(self) -> None:
        """End a process that hangs; it counts as a death."""
        self._process.kill()

    def close(self) -> None:
        """Let the process end by itself, or kill it after a grace; reap it."""
        self._closing = True
        self._channel.close()
        self._reap(_GRACE_S)
        self._end_readers()

    def kill(self) -> None:
        """End the process at once and reap it."""
        self._closing = True
        self._channel.close()
        self._reap(0)
        self._end_readers()

    def _spawn(self) -> None:
        try:
            here, there = socket.socketpair()
            log_here, log_there = socket.socketpair()
            with there, log_there, OutputPipe() as output:
                self._process = self._popen(there.fileno(), log_there.fileno(), output.write_fd)
        except OSError as error:
            raise ServiceError(f'no worker process can be started ({error.strerror})') from error
        self._channel = Channel(here)
        self._readers = [
            gevent.spawn(relay_records, log_here),
            gevent.spawn(relay_outputs, output.reader, self.pid, self._load.endpoint),
        ]

    def _popen(self, fd: int, log_fd: int, output_fd: int) -> subprocess.Popen[bytes]:
        command = [
            *child_python(_WORKER),
            '--model', self._load.endpoint, '--fd', str(fd), '--log-fd', str(log_fd),
            '--parent', str(os.getpid()),
            '--log-level', str(logging.getLogger().getEffectiveLevel()),
        ]
        # A session of its own: Ctrl-C on a terminal is for the front, which drains, and what
        # the service starts is in the worker's process group.
        return subprocess.Popen(
            command, pass_fds=(fd, log_fd), stdin=subprocess.DEVNULL, stdout=output_fd,
            stderr=output_fd, start_new_session=True, env={**_WORKER_ENVIRONMENT, **os.environ})

    def _handshake(self) -> Ready:
        try:
            self._channel.send(self._load)
            answer = self._channel.receive()
        except ChannelClosed:
            self._reap(_GRACE_S)
            raise ServiceError(
                f'its worker process ended while it loaded ({self._how_it_ended()})') from None
        if isinstance(answer, Failure):
            self._reap(_GRACE_S)
            raise ServiceError(answer.message)
        assert isinstance(answer, Ready)
        return answer

    def _read(self) -> None:
        try:
            while True:
                answer = self._channel.receive()
                self.was_used = True
                pending, self._pending = self._pending, None
                if pending is not None:
                    pending.set(answer)
        except ChannelClosed:
            pass
        except Exception:
            logger.exception('Worker %d of model %s sent what is no message; it is killed.',
                             self.pid, self._load.endpoint)
            self._process.kill()
        self._died()

    def _died(self) -> None:
        self.gone = True
        if not self._closing:
            self._channel.close()
            self._on_death(self)
            self._reap(_GRACE_S)
        if self._pending is not None:
            self._pending.set_exception(WorkerGone(self._how_it_ended()))
        if not self._closing:
            self._end_readers()

    def _reap(self, grace_s: float) -> None:
        waited = 0.0
        while self._process.poll() is None:
            if waited >= grace_s:
                self._process.kill()
            gevent.sleep(_REAP_POLL_S)
            waited += _REAP_POLL_S
        if not self._reaped:
            self._reaped = True
            # Helpers that the service started and left behind.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def _end_readers(self) -> None:
        gevent.joinall(self._readers, timeout=_LAST_WORDS_S)
        # A process that left the worker's group may hold the other end for ever.
        gevent.killall(self._readers)

    def _how_it_ended(self) -> str:
        status = self._process.poll()
        if status is None:
            return 'it closed its connection'
        if status >= 0:
            return f'exit status {status}'
        try:
            return f'signal {-status}, {signal.Signals(-status).name}'
        except ValueError:
            return f'signal {-status}'

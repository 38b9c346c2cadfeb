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
from mms.log import relay
from mms.wire import Channel, ChannelClosed, Failure, Load, Message, Ready

logger = logging.getLogger(__name__)

_WORKER = 'from mms.worker.__main__ import main; sys.exit(main())'
# MXNet says on standard error, for every Module, that it fuses operators.
_WORKER_ENVIRONMENT = {'MXNET_SUBGRAPH_VERBOSE': '0'}
# How long a worker that was told to go may take before it is killed.
_GRACE_S = 3.0
_REAP_POLL_S = 0.01


class WorkerGone(Exception):
    """The worker's process ended; the text says how."""


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
    """

    ready: Ready

    def __init__(self, load: Load, on_death: Callable[[WorkerProcess], None]) -> None:
        self._load = load
        self._on_death = on_death
        self._closing = False
        self._pending: Optional[AsyncResult] = None
        self.gone = False

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._process.pid

    def start(self) -> None:
        """Start the process and wait until its model is loaded.

        Raises
        ------
        ServiceError
            The model does not load; the message says why.
        """
        here, there = socket.socketpair()
        log_here, log_there = socket.socketpair()
        with there, log_there:
            self._process = self._spawn(there.fileno(), log_there.fileno())
        self._channel = Channel(here)
        self._log_reader = gevent.spawn(_relay_lines, log_here)
        try:
            answer = self._handshake()
        except BaseException:
            self.kill()
            raise
        self.ready = answer
        gevent.spawn(self._read)

    def exchange(self, message: Message) -> Message:
        """Send one message and wait for its answer.

        Raises
        ------
        WorkerGone
            The process ended before it answered.
        """
        if self.gone:
            raise WorkerGone(self._how_it_ended())
        pending = self._pending = AsyncResult()
        # The reader sees the end of the stream too, and sets the exception.
        with suppress(ChannelClosed):
            self._channel.send(message)
        answer: Message = pending.get()
        return answer

    def close(self) -> None:
        """Let the process end by itself, or kill it after a grace; reap it."""
        self._closing = True
        self._channel.close()
        self._reap(_GRACE_S)

    def kill(self) -> None:
        """End the process at once and reap it."""
        self._closing = True
        self._channel.close()
        self._reap(0)

    def _spawn(self, fd: int, log_fd: int) -> subprocess.Popen[bytes]:
        command = [
            *child_python(_WORKER),
            '--model', self._load.endpoint, '--fd', str(fd), '--log-fd', str(log_fd),
            '--parent', str(os.getpid()),
            '--log-level', str(logging.getLogger().getEffectiveLevel()),
        ]
        # A session of its own: Ctrl-C on a terminal is for the front, which drains.
        try:
            return subprocess.Popen(
                command, pass_fds=(fd, log_fd), stdin=subprocess.DEVNULL, start_new_session=True,
                env={**_WORKER_ENVIRONMENT, **os.environ})
        except OSError as error:
            raise ServiceError(f'no worker process can be started ({error.strerror})') from error

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
                pending, self._pending = self._pending, None
                if pending is not None:
                    pending.set(answer)
        except ChannelClosed:
            self._died()

    def _died(self) -> None:
        self.gone = True
        if not self._closing:
            self._reap(_GRACE_S)
        if self._pending is not None:
            self._pending.set_exception(WorkerGone(self._how_it_ended()))
        if not self._closing:
            self._on_death(self)

    def _reap(self, grace_s: float) -> None:
        waited = 0.0
        while self._process.poll() is None:
            if waited >= grace_s:
                self._process.kill()
            gevent.sleep(_REAP_POLL_S)
            waited += _REAP_POLL_S
        self._log_reader.join(timeout=1)

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


def _relay_lines(sock: socket.socket) -> None:
    with sock, sock.makefile('rb') as lines:
        for line in lines:
            relay(line)

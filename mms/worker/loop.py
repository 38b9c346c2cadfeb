"""The life of a worker, or of the template of workers: receive a message, answer it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Callable, NoReturn, Optional, Protocol

from mms.errors import ServiceError
from mms.ipc.channel import Channel, ChannelClosed
from mms.ipc.findings import Findings, Fusion
from mms.ipc.messages import (
    JOINT,
    TRIAL,
    Explore,
    Fork,
    Forked,
    Fuse,
    Fused,
    Measure,
    Measured,
    Message,
    More,
    Ping,
    Pong,
    Ready,
    Reap,
    Reaped,
    Result,
    Work,
)
from mms.ipc.request import Failure, Request
from mms.log import request_ids
from mms.mxnet_engine.reasons import RAISED, reason_of
from mms.runtime.private_memory import FreedMemoryLimit, private_bytes
from mms.worker.batches.joint import answer_jointly
from mms.worker.batches.trial import answer_and_compare
from mms.worker.batches.verdict import Outcome, Verdict
from mms.worker.codecs.codec import Codec
from mms.worker.devices.device_loss import DeviceLost, is_lost, raise_if_lost
from mms.worker.hooks import answer_alone, ill_health
from mms.worker.outbox import AnswerPace, Outbox
from mms.worker.processes.forking import (
    fork_worker,
    numpy_semantics,
    reap,
    reseed_random,
    set_threads,
)
from mms.worker.warm_up.warm_up import made_up_requests_per_s, run_sample

logger = logging.getLogger(__name__)

# A worker without a request for so long is at rest.
_REST_S = 3.0
# What is kept all the same: to get it anew costs the next request up to a millisecond.
_KEPT_AT_REST_BYTES = 4 * 1024**2
_COMPUTING = (Work, Measure)
# Beside busy workers, a process that measures has four fifths of the time that one of them has
# until it is known whether requests may run together, from which they gain most; then two fifths.
_NICENESS = 1
_NICENESS_FOR_THE_REST = 4


class Later(Protocol):
    """What is found out of a service once it serves."""

    def measured(self, known: Optional[Findings]) -> Iterator[Ready]:
        """What this process, which is a fork, finds out, step by step; `known` was measured
        before.
        """

    def fuse(self, forms: Sequence[Fusion]) -> bool:
        """Give its networks forms that are faster; whether any has another form now."""


class ModelProcess:
    """A process that holds one model, and what it answers to the front.

    Parameters
    ----------
    channel
        To the front.
    log_fd
        Where this process logs to.
    service
        The service, ready.
    ready
        What was said of it.
    sample
        Inputs that the service has answered; None where there was no warm-up.
    codec
        Reads requests, and writes their answers.
    report_memory
        Whether the front wants to know how much memory this process has.
    later
        What is found out of the service once it serves.
    """

    def __init__(self, channel: Channel, log_fd: int, service: Any, ready: Ready,
                 sample: Optional[list[Any]], codec: Codec, report_memory: bool,
                 later: Later) -> None:
        self._channel = channel
        self._log_fd = log_fd
        self._service = service
        self._ready = ready
        self._sample = sample
        self._codec = codec
        self._report_memory = report_memory
        self._later = later
        self._pace = AnswerPace()
        self._freed_memory = FreedMemoryLimit(_KEPT_AT_REST_BYTES)
        self._rests_at: Optional[float] = None

    def serve(self) -> None:
        """Answer until the front is gone.

        Raises
        ------
        DeviceLost
            What could be answered is; the process is of no use any more.
        """
        try:
            while True:
                message = self._channel.receive()
                if isinstance(message, Fork):
                    self._fork(message.threads)
                    continue
                if isinstance(message, Explore):
                    self._explore(message)
                    continue
                answer = self._answer(message)
                if is_lost():
                    self._channel.take_no_more()
                self._channel.send(answer)
                raise_if_lost()
                if isinstance(message, _COMPUTING):
                    self._rests_at = time.monotonic() + _REST_S
                self._rest()
        except ChannelClosed:
            return

    def _rest(self) -> None:
        """Give memory back once nothing was computed for a while, whoever asks for health."""
        if self._rests_at is None:
            return
        left_s = max(0.0, self._rests_at - time.monotonic())
        if self._channel.is_quiet(left_s):
            self._freed_memory.keep()
            self._rests_at = None

    def _answer(self, message: Message) -> Message:
        if isinstance(message, Ping):
            return Pong(ill_health(self._service))
        if isinstance(message, Reap):
            return Reaped(reap(message.pid))
        if isinstance(message, Measure):
            return Measured(self._requests_per_s(message))
        if isinstance(message, Fuse):
            return Fused(self._later.fuse(message.fused))
        assert isinstance(message, Work)
        outbox = Outbox(self._channel, self._pace)
        try:
            return self._work(message, outbox)
        except DeviceLost:
            # The front gives those without an answer to another worker.
            outbox.flush()
            raise
        finally:
            request_ids.take(())

    def _work(self, message: Work, outbox: Outbox) -> Result:
        memory = private_bytes() if self._report_memory else 0
        compared, refusal = False, ''
        outbox.expect(len(message.requests))
        _note(message.requests)
        if message.how == JOINT:
            refusal = self._answer_jointly(message, outbox)
        elif message.how == TRIAL:
            verdict = answer_and_compare(self._service, message.requests, self._codec, outbox)
            compared, refusal = verdict.outcome is Outcome.EQUAL, _refusal(verdict)
        else:
            for place, request in enumerate(message.requests):
                outbox.put(place, answer_alone(self._service, request, self._codec))
        return Result(*outbox.rest(), compared, refusal, memory)

    def _answer_jointly(self, work: Work, outbox: Outbox) -> str:
        """What speaks against it; an empty string when nothing has shown."""
        complaints: list[str] = []
        late = _LateRequests(self._channel, work.room, outbox)
        answer_jointly(self._service, work.requests, self._codec, late, complaints.append,
                       outbox.put, outbox.flush)
        return ''.join(complaints[:1])

    def _requests_per_s(self, measure: Measure) -> float:
        try:
            return made_up_requests_per_s(self._service, self._sample, measure)
        except RAISED:
            logger.debug('The model cannot be measured', exc_info=True)
            return 0.0

    def _fork(self, threads: int) -> None:
        if not self._is_fork('mms-worker'):
            return
        if threads == 1:
            self._begin(threads)
        else:
            _in_new_thread(lambda: self._begin_and_serve(threads))

    def _is_fork(self, name: str) -> bool:
        """Whether this is a fork that was made now; the front is told of it."""
        descriptors = self._channel.receive_descriptors()
        try:
            pid = fork_worker(descriptors, [self._channel.fileno(), self._log_fd], name)
        except OSError as error:
            self._channel.send(Forked(0, f'no worker process can be started ({error.strerror})'))
            return False
        if pid:
            self._channel.send(Forked(pid))
        return not pid

    def _explore(self, message: Explore) -> None:
        """Have a fork of this process measure what pays, which it says in steps, and ends."""
        if not self._is_fork('mms-measure'):
            return
        os.nice(_NICENESS)
        try:
            for ready in self._later.measured(message.known):
                self._channel.send(ready)
                os.nice(_NICENESS_FOR_THE_REST - _NICENESS)
        except RAISED as error:
            self._channel.send(Failure(ServiceError.__name__, reason_of(error)))
        raise ChannelClosed('nothing to serve')

    def _begin(self, threads: int) -> None:
        set_threads(threads)
        reseed_random()
        try:
            run_sample(self._service, self._sample)
        except RAISED as error:
            self._channel.send(Failure(ServiceError.__name__, f'it does not run in a forked '
                                       f'process ({reason_of(error)})'))
            raise ChannelClosed('nothing to serve') from error
        # What a fork shares is not its own.
        self._freed_memory = FreedMemoryLimit(_KEPT_AT_REST_BYTES)
        self._channel.send(self._ready)

    def _begin_and_serve(self, threads: int) -> NoReturn:
        self._begin(threads)
        self.serve()
        raise ChannelClosed('served')


class _LateRequests:
    """Requests that came while those in hand were preprocessed."""

    def __init__(self, channel: Channel, room: int, outbox: Outbox) -> None:
        self._channel = channel
        self._room = room
        self._outbox = outbox

    def __call__(self) -> list[Request]:
        if not self._room:
            return []
        self._channel.send(More(self._room))
        message = self._channel.receive()
        assert isinstance(message, Work)
        self._room = message.room
        self._outbox.expect(len(message.requests))
        _note(message.requests)
        return list(message.requests)


def _note(requests: Sequence[Request]) -> None:
    request_ids.take([request.context for request in requests])
    if logger.isEnabledFor(logging.DEBUG):
        for request in requests:
            logger.debug('Request %s is in hand', request.context.request_id)


def _refusal(verdict: Verdict) -> str:
    return verdict.reason if verdict.outcome is Outcome.REFUSED else ''


def _in_new_thread(work: Callable[[], NoReturn]) -> NoReturn:
    """Where MXNet has compiled nothing yet: see :func:`set_threads`. What it raises is raised."""
    ended: Future[None] = Future()
    semantics = numpy_semantics()

    def run() -> None:
        try:
            semantics()
            work()
        except BaseException as error:
            ended.set_exception(error)

    threading.Thread(target=run, name='hooks').start()
    ended.result()
    raise AssertionError('the work never returns')

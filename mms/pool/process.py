"""One process of a model as the front sees it: start, handshake, exchange, end."""

from __future__ import annotations

import logging
import signal
from collections import deque
from contextlib import ExitStack
from typing import Callable, Optional, TypeVar

import gevent
from gevent import socket
from gevent.event import AsyncResult

from mms.devices.device import Device
from mms.errors import ServiceError
from mms.event_loop.guard import attempt
from mms.event_loop.uninterrupted import uninterrupted
from mms.event_loop.yielding import PollTracker
from mms.ipc.channel import ChannelClosed
from mms.ipc.messages import (
    Answered,
    Explore,
    Fork,
    Forked,
    Fuse,
    Fused,
    Import,
    Imported,
    Launch,
    Load,
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
from mms.ipc.shape import BrokenFrame
from mms.pool.channel import FrontChannel
from mms.pool.handshake import Handshake, named
from mms.pool.in_hand import InHand
from mms.pool.output import OutputPipe, OutputRelay, relay_records
from mms.pool.process_errors import NoAnswer, NotSent, WorkerGone, WorkerKilled, described
from mms.pool.spawn import Ends, Handle, Spawner
from mms.runtime.byte_budget import ByteBudget

logger = logging.getLogger(__name__)

T = TypeVar('T')

# How long a process that was told to go may take before it is killed.
_GRACE_S = 3.0
_REAP_POLL_S = 0.01
# What a dead process has logged and printed is read within a moment.
_LAST_WORDS_S = 1.0
# What may be said in answer.
_ANSWERS: dict[type, tuple[type, ...]] = {
    Work: (More, Result), Measure: (Measured,), Ping: (Pong,), Fork: (Forked,), Reap: (Reaped,),
    Explore: (Forked,), Fuse: (Fused,),
    Launch: (Forked,), Import: (Imported,)}


class _Pending(AsyncResult):  # type: ignore[misc]  # gevent has no types
    """Where the answer to a message goes, and what is called with each part that comes before."""

    def __init__(self, on_part: Callable[[Answered], None]) -> None:
        super().__init__()
        self.on_part = on_part


class WorkerProcess:
    """A process that holds one model and answers one message at a time.

    Parameters
    ----------
    endpoint
        Name of the model's endpoint.
    spawner
        Starts the process.
    threads
        How many processor threads it computes on.
    on_death
        Called once, with this object, when the process has ended by itself.
    device
        Where it runs; None for the processors, shared by all workers.
    budget
        Where its answers count that are held; None for one without a limit.

    Attributes
    ----------
    ready
        What the process said of its model.
    was_aborted
        It was ended because it took too long, or nobody knew what it would answer next.
    was_used
        It answered, or was given a request, since it was loaded.
    served
        How many requests it was given.
    memory_bytes
        Its private memory when it last told.
    in_hand
        The requests that it has.
    on_death
        As given.
    """

    ready: Ready
    _output: OutputRelay
    _handle: Handle
    _channel: FrontChannel

    def __init__(self, endpoint: str, spawner: Spawner, threads: int,
                 on_death: Callable[[WorkerProcess], None],
                 device: Optional[Device] = None, budget: Optional[ByteBudget] = None) -> None:
        self._endpoint = endpoint
        self._budget = budget or ByteBudget()
        self._spawner = spawner
        self.threads = threads
        self.on_death = on_death
        self.device = device
        self._is_spawned = False
        self._closing = False
        # Answers come in the order of the messages, also when nobody waits for one any more.
        self._pending: deque[_Pending] = deque()
        self._has_ended = False
        self.was_aborted = False
        self.was_used = False
        self.served = 0
        self.memory_bytes = 0
        self.in_hand = InHand()
        self._asked_for_more = False

    @property
    def pid(self) -> int:
        """Process id."""
        return self._handle.pid

    @property
    def gone(self) -> bool:
        """Whether the process has ended, or ends now, as its template has."""
        return self._has_ended or (self._is_spawned and self._handle.ends_with_template())

    def load(self, load: Load, load_s: Optional[float] = None,
             warm_up_s: Optional[float] = None,
             await_turn: Callable[[], None] = lambda: None) -> None:
        """Start the process, and wait until it has loaded a model.

        Parameters
        ----------
        load_s, warm_up_s
            How long either may take, in seconds; None for as long as it takes.
        await_turn
            Called between the two where it measures: returns when the cores are free for that.

        Raises
        ------
        WarmUpFailed
            The model is loaded, but it cannot be run.
        ServiceError
            The model does not load; the message says why.
        """
        self.ready = self._start(
            lambda: self._handshake().load(load, load_s, warm_up_s, await_turn))

    def join(self, seconds: float) -> None:
        """Start the process, which has its model already, and wait until it is ready.

        Raises
        ------
        ServiceError
        """
        self.ready = self._start(lambda: self._handshake().join(seconds))

    def measure(self, seconds: float, on_batches: Callable[[Ready], None]) -> None:
        """Start the process, which measures its model, and wait until it has.

        Parameters
        ----------
        seconds
            How long each of its two steps may take.
        on_batches
            Called when it is known how many requests may run together, and no more than that; it
            must not wait.

        Raises
        ------
        ServiceError
        """
        self.ready = self._start(lambda: self._handshake().measured(seconds, on_batches))

    def prepare(self, seconds: float) -> str:
        """Start a launcher, and wait until it can be forked; why it cannot, empty where it can.

        Raises
        ------
        ServiceError
        """
        return self._start(lambda: self._handshake().imported(seconds))

    def exchange(self, message: Message, seconds: Optional[float] = None,
                 ends: Optional[Ends] = None,
                 on_part: Callable[[Answered], None] = lambda part: None) -> Message:
        """Send one message, descriptors behind it if it announces some, and wait for its answer.

        Parameters
        ----------
        on_part
            Called with each :class:`Answered` that comes before the answer itself, also after
            `seconds`; it must not wait.

        Raises
        ------
        WorkerGone
            The process ended before it answered.
        NoAnswer
            It did not answer within `seconds`; it is of no use any more, and has to be aborted.
        """
        if self.gone:
            raise NotSent(self.how_it_ended())
        deadline = gevent.Timeout.start_new(seconds)
        pending = _Pending(on_part)
        self._pending.append(pending)
        try:
            self._send(message, ends)
            pending.wait()
            if pending.exception is not None:
                # A fresh one: that one has had other frames than this.
                raise type(pending.exception)(*pending.exception.args)
            answer: Message = pending.value
            if not isinstance(answer, _ANSWERS.get(type(message), object)):
                self.abort()
                raise WorkerGone(f'it answered {named(message)} with {named(answer)}')
        except gevent.Timeout as timeout:
            if timeout is not deadline:
                raise
            # It has this frame in its traceback, and this frame has it, and the message: they would
            # stay until Python collects its garbage.
            timeout.__traceback__ = None
            raise NoAnswer(f'no answer within {seconds:g} s') from None
        finally:
            deadline.close()
            del deadline, pending
        return answer

    def how_it_ended(self) -> str:
        """Its exit status or signal, as far as it is known."""
        return described(self._handle.poll())

    def how_it_ends(self) -> str:
        """The same of one that has closed its connection, once it has ended; one that stays is
        killed.
        """
        self._reap(_GRACE_S)
        return self.how_it_ended()

    def _send(self, message: Message, ends: Optional[Ends]) -> None:
        if isinstance(message, Measure):
            self.was_used = True
        if isinstance(message, Work):
            self.was_used = True
            self.served += len(message.requests)
            self.in_hand.take(message.requests, self._asked_for_more)
            self._asked_for_more = False
        try:
            self._channel.send(message)
            if ends is not None:
                self._channel.send_descriptors(ends)
        except ChannelClosed as error:
            # The reader will see the end of the stream too, and tell of it.
            self.abort()
            raise NotSent(str(error)) from error
        except BaseException:
            # Half a message: nothing that comes after it would be understood.
            self.abort()
            raise

    def abort(self) -> None:
        """End a process that hangs; it counts as a death."""
        self._has_ended = self.was_aborted = True
        self._handle.kill()

    def close(self) -> None:
        """Let the process end by itself, or kill it after a grace; reap it."""
        self._end(_GRACE_S)

    def kill(self) -> None:
        """End the process at once and reap it."""
        self._end(0)

    def _start(self, handshake: Callable[[], T]) -> T:
        try:
            uninterrupted(self._spawn)
            said = handshake()
        except BaseException:
            if self._is_spawned:
                uninterrupted(self.kill)
            raise
        gevent.spawn(self._read)
        return said

    def _spawn(self) -> None:
        try:
            # Closed at once where none is started: one that was, and that nobody knows, ends so.
            with ExitStack() as undo:
                here, there = map(undo.enter_context, socket.socketpair())
                log_here, log_there = map(undo.enter_context, socket.socketpair())
                with there, log_there, OutputPipe() as output:
                    self._handle = self._spawner(
                        Ends(there.fileno(), log_there.fileno(), output.write_fd))
                undo.pop_all()
        except OSError as error:
            raise ServiceError(f'no worker process can be started ({error.strerror})') from error
        self._channel = FrontChannel(here, self._budget)
        self._output = OutputRelay(output.reader, self._endpoint, self.in_hand)
        self._readers = [
            gevent.spawn(relay_records, log_here, self._endpoint),
            gevent.spawn(self._output.run, self.pid),
        ]
        self._is_spawned = True

    def _handshake(self) -> Handshake:
        return Handshake(self._channel, self.how_it_ends)

    def _read(self) -> None:
        turns = PollTracker()
        try:
            while True:
                # Without a name: it would be kept until the next one.
                self._hand_on(self._channel.receive())
                # A service that sends without end would keep everybody else from running.
                turns.yield_unless_polled()
        except ChannelClosed:
            pass
        except Exception:
            logger.exception('Worker %d of model %s sent what is no message; it is killed.',
                             self.pid, self._endpoint)
            self._handle.kill()
        self._died()

    def _hand_on(self, answer: Message) -> None:
        self.was_used = True
        if isinstance(answer, Answered):
            self._output.catch_up()
            self.in_hand.answered(answer.places)
        self._asked_for_more = isinstance(answer, More)
        if not self._pending:
            raise BrokenFrame(f'{named(answer)}, though it was asked nothing')
        if isinstance(answer, Answered) and not isinstance(answer, Result):
            self._pending[0].on_part(answer)
        else:
            if isinstance(answer, Result):
                self.memory_bytes = answer.memory_bytes
            self._pending.popleft().set(answer)

    def _died(self) -> None:
        self._has_ended = True
        over = f'the end of worker {self.pid} of model {self._endpoint}'
        # Each of these is done whatever becomes of the others.
        if not self._closing:
            attempt(over, self._channel.close)
            attempt(over, self.on_death, self)
            attempt(over, self._reap, _GRACE_S)
        while self._pending:
            pending = self._pending.popleft()
            if not attempt(over, self._tell_the_end, pending):
                pending.set_exception(WorkerGone('nobody knows how it ended'))
        if not self._closing:
            attempt(over, self._end_readers)

    def _tell_the_end(self, pending: AsyncResult) -> None:
        pending.set_exception(self._kind_of_end()(self.how_it_ended()))

    def _kind_of_end(self) -> type[WorkerGone]:
        is_killed = (self._closing or self._handle.ends_with_template()
                     or self._handle.poll() == -signal.SIGKILL)
        return WorkerKilled if is_killed else WorkerGone

    def _end(self, grace_s: float) -> None:
        self._closing = True
        try:
            self._channel.close()
            self._reap(grace_s)
            self._end_readers()
        except BaseException:
            self._handle.kill()
            raise

    def _reap(self, grace_s: float) -> None:
        waited = 0.0
        while self._handle.poll() is None:
            if waited >= grace_s:
                self._handle.kill()
            gevent.sleep(_REAP_POLL_S)
            waited += _REAP_POLL_S

    def _end_readers(self) -> None:
        gevent.joinall(self._readers, timeout=_LAST_WORDS_S)
        # A process that left the worker's group may hold the other end for ever.
        gevent.killall(self._readers)

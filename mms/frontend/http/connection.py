"""One HTTP connection: its requests are read, answered and, where they are none, refused."""

from __future__ import annotations

import errno
import logging
import sys
import time
from contextlib import suppress
from io import BufferedReader
from typing import Any, Optional

import gevent

from mms.errors import BuffersFull
from mms.event_loop.deadline import Deadline
from mms.event_loop.guard import report
from mms.event_loop.yielding import PollTracker, RunQueue, TimeSlice, yield_if_due
from mms.frontend.http.answer import Answer
from mms.frontend.http.answer_writer import AnswerWriter
from mms.frontend.http.client_state import has_left, has_sent
from mms.frontend.http.environ import environ_of
from mms.frontend.http.head import Head, head_of
from mms.frontend.http.headers import (
    LONGEST_LINE,
    PlainHeaders,
    check_lines,
    check_request_line,
    check_size,
    find_head,
    read_block,
)
from mms.frontend.http.pace import Transfer
from mms.frontend.http.received import Received, TooSlow, cut
from mms.frontend.http.refusal import MESSAGES, TurnedAway
from mms.frontend.http.refuser import LongLine, Refuser
from mms.frontend.http.request_stream import ChunkedStream, RequestStream
from mms.frontend.http.tls_socket import close, linger
from mms.frontend.probes import PROBES
from mms.log import request_ids
from mms.metrics.refusals import LATE_HEAD, SLOW_READER, SLOW_UPLOAD
from mms.runtime.byte_budget import Reservation

logger = logging.getLogger(__name__)

# A client that goes on sending after its answer is read for so long, or it would see a reset
# connection and not the answer.
_LINGER_S = 5.0
_DISCARD_BYTES = 64 * 1024
# Clients that say nothing hold a descriptor each. A head is small: even a slow line is done with
# it long before this.
_HEAD_S = 30.0
# Longer than the 60 s for which common proxies keep a connection: they close first, and never
# send a request into a connection that is being closed.
_IDLE_S = 75.0
# Without a single byte of a body. Its whole time has no limit: uploads may be slow.
_BODY_STALL_S = 30.0
# Who takes nothing of what it was sent before is not told for longer why there is no more.
_REFUSAL_S = 5.0
# Of a connection that is beyond a limit: a probe asks at once.
_PROBE_S = 2.0
# A head that is smaller, as nearly all are, counts for nothing in what the server holds; of a
# larger one there are copies: as lines, as names and values, and what the application gets.
_FREE_HEAD_BYTES = 4096
_COPIES_OF_HEAD = 3
_SERVER_ENDS = 'The server stops, and the request was not answered in time.'
_CONTINUE = b'HTTP/1.1 100 Continue\r\n\r\n'
# Nobody waits for the answer any more.
_HAS_LEFT = (errno.EPIPE, errno.ECONNRESET)


class _Refused(Exception):
    """What has come is no request: it is answered with a status, and the connection is closed."""

    def __init__(self, status: str) -> None:
        super().__init__()
        self.status = status


class Connection:
    """Serves the requests of one client, and tells its server when each begins and ends.

    Parameters
    ----------
    sock
        Of gevent.
    peer
        The other end; see :class:`~mms.frontend.http.admission.Peer`.
    server
        The server, with its application.
    """

    def __init__(self, sock: Any, peer: Any, server: Any) -> None:
        self.socket = sock
        self.client_address = peer
        self.server = server
        self._time_slice = TimeSlice()
        self._writer = AnswerWriter(sock, peer, self._time_slice)
        self._received = Received(sock)
        self._stream: Any = BufferedReader(self._received, LONGEST_LINE)
        self._greenlet = gevent.getcurrent()
        self._reservation = Reservation(server.budget)
        self._polls = PollTracker()
        self._refuser = Refuser(peer.host, server.refusals, server.origins)
        self._deadline = Deadline()
        self._is_reading_head = False
        self._head_bytes = 0
        self._head: Optional[Head] = None
        self._body: Optional[RequestStream] = None
        self._began = 0.0
        self._is_answering = False
        self._number = 0

    @property
    def _is_probe(self) -> bool:
        """Whether nothing but the health of the server is told here."""
        return bool(self.client_address.refusal)

    def handle(self) -> None:
        """Serve one request after the other, and close the connection."""
        try:
            while self._serve_one():
                pass
        finally:
            close(self.socket)
            # They hold each other, and would stay until Python collects its garbage.
            self.__dict__.pop('socket', None)
            self.__dict__.pop('_stream', None)

    def _serve_one(self) -> bool:
        """Serve a request; whether there may be another."""
        self._is_answering = self._is_reading_head = False
        self._refuser.begin()
        self._head_bytes = 0
        self._number += 1
        # Those who send one request after the other without waiting have one each turn.
        self._polls.yield_unless_polled()
        try:
            head = self._next_head()
            return head is not None and self._answer(head)
        except (OSError, EOFError):
            yield_if_due(RunQueue.END)
            raise
        except _Refused as refused:
            status = refused.status
        except Exception:
            if self._is_answering:
                raise
            self._refuser.name()
            report(f'a request from {self.client_address.host}')
            status = '500'
        except Deadline as late:
            if late is not self._deadline:
                raise
            late.forget()
            yield_if_due(RunQueue.END)
            self._refuser.count(LATE_HEAD, MESSAGES['408'][1])
            status = '408'
        finally:
            self._deadline.close()
            self._forget_request()
            self.server.request_ended(self)
        with suppress(OSError):
            self.socket.settimeout(_REFUSAL_S)
            self.socket.sendall(self._refusal(status, self._refuser.wrong))
            linger(self.socket, self._time_slice)
        return False

    def _next_head(self) -> Optional[Head]:
        """Wait for a request, and read its head; None where there is none."""
        self.socket.settimeout(None)
        self._deadline.set(_PROBE_S if self._is_probe else _IDLE_S)
        try:
            come = self._come()
            if come:
                return self._read_head(come)
            self._deadline.close()
            # Many may leave at once, and each has something to be tidied up.
            yield_if_due(RunQueue.END)
        except (OSError, EOFError):
            # The client has left in the middle of it.
            pass
        except (ValueError, BuffersFull) as error:
            raise _Refused(self._refuser.count_error(error)) from None
        return None

    def _come(self) -> bytes:
        """What has come, and is not read; nothing where that takes too long."""
        try:
            # All the waiting has one limit: of TLS, much may come that is nothing to read yet.
            come: bytes = self._stream.peek(1)
        except Deadline as late:
            if late is not self._deadline:
                raise
            late.forget()
            return b''
        return come

    def _read_head(self, come: bytes) -> Optional[Head]:
        """The head that begins with what has come; None where its client leaves meanwhile.

        One that is there, whole and plain, is taken at one go; any other line by line, as it comes.
        """
        limits, found = self.server.limits, find_head(come)
        if found is not None:
            line, block = found
            self._stream.read(len(line) + len(block))
            # It is one already while it waits for its turn.
            self.server.head_began(self)
            self._hold(len(block))
        else:
            self._is_reading_head = True
            self._deadline.set(_PROBE_S if self._is_probe else _HEAD_S)
            line = self._read_line()
            if not line:
                return None
            self.server.head_began(self)
            check_request_line(line)
            block = read_block(self._stream, limits.head_bytes, limits.header_lines, self._hold)
            self._is_reading_head = False
        self._deadline.close()
        method, target, version = line.decode('latin-1').split()
        yield_if_due(RunQueue.HEALTH if target in PROBES else RunQueue.WORK)
        if len(block) > _FREE_HEAD_BYTES:
            self._reservation.reserve(_COPIES_OF_HEAD * len(block))
        check_size(block, limits.head_bytes, limits.header_lines)
        if found is None:
            check_lines(block)
        head = head_of(method, target, version, PlainHeaders(block.decode('latin-1')))
        if self._is_probe and target.partition('?')[0] not in PROBES:
            raise TurnedAway(self.client_address.refusal)
        return head

    def _read_line(self) -> bytes:
        """The first line of a head; empty where its client leaves in the middle of it."""
        line: bytes = self._stream.readline(LONGEST_LINE)
        if len(line) >= LONGEST_LINE:
            raise LongLine
        return line if line.endswith(b'\n') else b''

    def _hold(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > _FREE_HEAD_BYTES:
            self._reservation.reserve(count)

    def _answer(self, head: Head) -> bool:
        """Answer a request; whether there may be another."""
        self._head = head
        environ = self._environ(head)
        answer = Answer(self._writer, head, self._must_close)
        self._writer.begin()
        self._is_answering = True
        try:
            self._run_application(environ, answer)
            self._is_answering = False
            if not self._body_is_over():
                self.server.request_ended(self)
                self._discard_body()
        except OSError as error:
            if error.errno not in _HAS_LEFT:
                self._failed()
            return False
        except BaseException:
            self._failed()
            return False
        return answer.keeps_open

    def _environ(self, head: Head) -> dict[str, Any]:
        """WSGI environment of a request whose head is read."""
        self.server.request_began(self)
        environ = environ_of(head, self.server.environ, *self.client_address[:2])
        self._body = environ['wsgi.input'] = self._body_of(head)
        environ['wsgi.input_terminated'] = True
        environ['mms.client_left'] = self.client_left
        if not self._body.is_over:
            self.socket.settimeout(_BODY_STALL_S)
        self._began = time.monotonic()
        return environ

    def _body_of(self, head: Head) -> RequestStream:
        if not head.is_chunked:
            return RequestStream(self._stream, self._time_slice, head.length or 0,
                                 self._ask_for_body)
        limits = self.server.limits
        return ChunkedStream(self._stream, self._time_slice, limits.head_bytes - self._head_bytes,
                             limits.header_lines, self._ask_for_body, self._hold)

    def _ask_for_body(self) -> None:
        if self._head is not None and self._head.awaits_100:
            self.socket.sendall(_CONTINUE)

    def _run_application(self, environ: dict[str, Any], answer: Answer) -> None:
        result = self.server.application(environ, answer.start)
        try:
            answer.send(result)
        finally:
            end = getattr(result, 'close', None)
            if end is not None:
                end()

    def _must_close(self) -> bool:
        """Whether the connection is closed after this answer, whatever its client would like."""
        return self.server.draining or self._is_probe or not self._body_is_over()

    def _body_is_over(self) -> bool:
        return self._body is None or self._body.is_over

    def _discard_body(self) -> None:
        """Read what is left of it."""
        body, head = self._body, self._head
        if body is None or head is None or (head.awaits_100 and not body.is_begun):
            # A client that was never told to go on has sent nothing.
            return
        # It ends too early, has a broken chunk, or trailers for which there is no room.
        with suppress(OSError, ValueError, BuffersFull), gevent.Timeout(_LINGER_S, False):
            while body.read(_DISCARD_BYTES):
                pass

    def _failed(self) -> None:
        """Answer a request over which the application has failed, or the server ends."""
        kind, error, trace = sys.exc_info()
        status, reason = '500', ''
        if isinstance(error, gevent.GreenletExit):
            status, reason = '503', _SERVER_ENDS
            # What was answered alone has the rest of its body to come.
            if self._is_answering:
                logger.error('%s', reason)
            # Who takes nothing is not waited for.
            self.socket.setblocking(False)
        else:
            self.socket.settimeout(_REFUSAL_S)
            gevent.get_hub().handle_error(self, kind, error, trace)
        self._writer.forget()
        if not self._writer.sent_bytes:
            with suppress(OSError):
                self.socket.sendall(self._refusal(status, reason))

    def _refusal(self, status: str, reason: str) -> bytes:
        origin = None if self._head is None else self._head.headers.get('origin')
        return self._refuser.answer(status, reason, origin)

    def _forget_request(self) -> None:
        """What is left of it has this connection, which has it: it would stay until Python collects
        its garbage.
        """
        self._head = self._body = None
        self._reservation.release()
        request_ids.end()

    def client_left(self) -> bool:
        """Whether the client has closed its connection; any thread may ask, also when it has ended
        on this side.
        """
        sock = self.__dict__.get('socket')
        return sock is None or has_left(sock, self._began)

    def give_way(self) -> bool:
        """Close the connection for another client's sake, if nothing has come here just now."""
        if self._is_probe or has_sent(self.socket):
            return False
        gevent.get_hub().loop.run_callback(self._end_unless_used)
        return True

    def _end_unless_used(self) -> None:
        if self in self.server.connections or self._greenlet.dead:
            return
        # One whose head is on its way is told so.
        self._greenlet.throw(self._deadline if self._is_reading_head else gevent.GreenletExit())

    def transfer(self) -> Optional[Transfer]:
        """What is on its way: the body of a request, or its answer."""
        if self._writer.is_sending:
            return Transfer(self._number, False, self._writer.taken_bytes)
        body = self._body
        if body is None or not body.is_begun or body.is_over:
            return None
        return Transfer(self._number, True, self._received.count)

    def end_slow(self, rate: int) -> None:
        """It comes, or is taken, too slowly."""
        client = self.client_address.host
        if self._writer.is_sending:
            self.server.refusals.count(SLOW_READER, f'{client} takes its answer with less than '
                                       f'{rate} bytes a second; the connection is closed.')
            cut(self.socket)
        else:
            self.server.refusals.count(SLOW_UPLOAD, f'{client} sends a body with less than {rate} '
                                       'bytes a second; it is answered 408.')
            self._received.end(TooSlow('The body of the request came with less than '
                                       f'{rate} bytes a second (--min-transfer-rate).'),
                               self.socket)

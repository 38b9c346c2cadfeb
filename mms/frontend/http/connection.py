"""One HTTP connection: what gevent's handler leaves to its user."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from io import BufferedReader
from typing import Any, Optional

import gevent
from gevent.pywsgi import MAX_REQUEST_LINE, WSGIHandler, format_date_time

from mms.errors import BuffersFull
from mms.event_loop.guard import report
from mms.event_loop.yielding import PollTracker, RunQueue, TimeSlice, yield_if_due
from mms.frontend.http.answer_writer import AnswerWriter
from mms.frontend.http.client_state import has_left, has_sent
from mms.frontend.http.headers import PlainHeaders, check_request_line, plain_headers, read_block
from mms.frontend.http.pace import Transfer
from mms.frontend.http.received import Received, TooSlow, cut
from mms.frontend.http.refusal import MESSAGES, TurnedAway
from mms.frontend.http.refuser import Refuser
from mms.frontend.http.request_stream import ChunkedStream, RequestStream
from mms.frontend.http.tls_socket import close, linger
from mms.frontend.probes import PROBES
from mms.ipc.messages import Body
from mms.log import request_ids
from mms.metrics.refusals import LATE_HEAD, LONG_LINE, SLOW_READER, SLOW_UPLOAD
from mms.runtime.byte_budget import Reservation

logger = logging.getLogger(__name__)

# What a client sends to a proxy, which may pass it on.
_ABSOLUTE = re.compile(r'https?://[^/?]*', re.IGNORECASE)
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
# Of a connection that is beyond a limit: a probe asks at once.
_PROBE_S = 2.0
# A head that is smaller, as nearly all are, counts for nothing in what the server holds; of a
# larger one there are copies: as lines, as names and values, and what the application gets.
_FREE_HEAD_BYTES = 4096
_COPIES_OF_HEAD = 3
_SERVER_ENDS = 'The server stops, and the request was not answered in time.'
_CONTINUE = b'HTTP/1.1 100 Continue\r\n\r\n'


class Connection(WSGIHandler):  # type: ignore[misc]  # gevent has no types
    """Tells its server when a request begins and ends, and answers in JSON what it refuses."""

    headers: PlainHeaders
    path: str
    request_version: str
    response_headers: list[tuple[bytes, bytes]]
    provided_date: Any

    def __init__(self, *args: Any) -> None:
        self._time_slice = TimeSlice()
        self._answer = AnswerWriter(args[0], args[1], self._time_slice)
        self._received = Received(args[0])
        super().__init__(*args, BufferedReader(self._received))
        self._greenlet = gevent.getcurrent()
        self._reservation = Reservation(self.server.budget)
        self._polls = PollTracker()
        self._head_bytes = 0
        self._began = 0.0
        self._refuser = Refuser(self.client_address[0], self.server.refusals, self.server.origins)
        self._is_answering = False
        self._request = 0
        self._head_limit = gevent.Timeout(_HEAD_S)

    def handle(self) -> None:
        """Serve one request after the other, and close the connection."""
        try:
            while self.handle_one_request() is True:
                pass
        finally:
            close(self.socket)
            # They hold each other, and would stay until Python collects its garbage.
            for name in ('socket', 'rfile', 'wsgi_input'):
                self.__dict__.pop(name, None)

    def read_requestline(self) -> Any:
        """Wait for the next request's first line."""
        self.socket.settimeout(None)
        limit_s = _PROBE_S if self._is_probe else _IDLE_S
        has_come = b''
        # Of all the waiting: of TLS, much may come that is nothing to read yet.
        with gevent.Timeout(limit_s, False):
            has_come = self.rfile.peek(1)
        if not has_come:
            # Many may leave at once, and each has something to be tidied up.
            yield_if_due(RunQueue.END)
            return ''
        self._head_limit = gevent.Timeout.start_new(limit_s if self._is_probe else _HEAD_S)
        line = self.rfile.readline(MAX_REQUEST_LINE)
        if not line.endswith(b'\n') and len(line) < MAX_REQUEST_LINE:
            # The client left in the middle of it.
            return ''
        self.server.head_began(self)
        return line.decode('latin-1')

    def handle_one_request(self) -> Any:
        """Serve one request."""
        self._is_answering = False
        self._refuser.begin()
        self._head_bytes = 0
        self._request += 1
        # Those who send one request after the other without waiting have one each turn.
        self._polls.yield_unless_polled()
        try:
            result = super().handle_one_request()
        except (OSError, EOFError):
            self._head_limit.close()
            yield_if_due(RunQueue.END)
            raise
        except Exception:
            if self._is_answering:
                raise
            self._refuser.name()
            report(f'a request from {self.client_address[0]}')
            result = ('500', b'')
        except gevent.Timeout as late:
            if late is not self._head_limit:
                raise
            # It has the frames of the head that came, and this connection has it.
            late.__traceback__ = late.__context__ = None
            yield_if_due(RunQueue.END)
            self._refuser.count(LATE_HEAD, MESSAGES['408'][1])
            result = ('408', b'')
        finally:
            self._head_limit.close()
            self._forget_request()
            self.server.request_ended(self)
        if not isinstance(result, tuple):
            return result
        if result[0] == '414':
            self._refuser.count(LONG_LINE, MESSAGES['414'][1])
        with suppress(OSError):
            self.socket.sendall(self._refusal(result[0], self._refuser.wrong))
            linger(self.socket, self._time_slice)
        return None

    def _refusal(self, status: str, reason: str) -> bytes:
        headers = self.__dict__.get('headers')
        return self._refuser.answer(status, reason, headers.get('origin') if headers else None)

    @property
    def _is_probe(self) -> bool:
        """Whether nothing but the health of the server is told here."""
        return bool(self.client_address.refusal)

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
        is_begun = self._head_limit.pending
        self._greenlet.throw(self._head_limit if is_begun else gevent.GreenletExit())

    def transfer(self) -> Optional[Transfer]:
        """What is on its way: the body of a request, or its answer."""
        if self._answer.is_sending:
            return Transfer(self._request, False, self._answer.taken_bytes)
        body = getattr(self, 'wsgi_input', None)
        if body is None or not body.is_begun or body.is_over:
            return None
        return Transfer(self._request, True, self._received.count)

    def end_slow(self, rate: int) -> None:
        """It comes, or is taken, too slowly."""
        client = self.client_address[0]
        if self._answer.is_sending:
            self.server.refusals.count(SLOW_READER, f'{client} takes its answer with less than '
                                       f'{rate} bytes a second; the connection is closed.')
            cut(self.socket)
        else:
            self.server.refusals.count(SLOW_UPLOAD, f'{client} sends a body with less than {rate} '
                                       'bytes a second; it is answered 408.')
            self._received.end(TooSlow('The body of the request came with less than '
                                       f'{rate} bytes a second (--min-transfer-rate).'),
                               self.socket)

    def read_request(self, raw_requestline: str) -> Any:
        """Read the head of a request."""
        # Before pywsgi, which takes what it can.
        check_request_line(raw_requestline)
        result = super().read_request(raw_requestline)
        # pywsgi knows the header with this one word alone.
        words = ','.join(self.headers.all('connection')).lower().split(',')
        if 'close' in [word.strip() for word in words]:
            self.close_connection = True
        return result

    def _forget_request(self) -> None:
        """What is left of it has this connection, which has it: it would stay until Python collects
        its garbage.
        """
        for name in ('environ', 'headers', 'wsgi_input'):
            self.__dict__.pop(name, None)
        self._reservation.release()
        request_ids.end()

    def MessageClass(self, *args: Any) -> Any:  # noqa: N802
        """Header lines of a request."""
        limits = self.server.limits
        try:
            block = read_block(self.rfile, limits.head_bytes, limits.header_lines, self._hold)
        except OSError as error:
            raise EOFError from error
        self._head_limit.close()
        yield_if_due(RunQueue.HEALTH if self.path in PROBES else RunQueue.WORK)
        if len(block) > _FREE_HEAD_BYTES:
            self._reservation.reserve(_COPIES_OF_HEAD * len(block))
        headers = plain_headers(block, limits.head_bytes, limits.header_lines)
        # Before pywsgi, which takes many of them, decides where the body ends.
        headers.check_framing(self.request_version)
        headers.check_host()
        if self._is_probe and self.path.partition('?')[0] not in PROBES:
            raise TurnedAway(self.client_address.refusal)
        return headers

    def _hold(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > _FREE_HEAD_BYTES:
            self._reservation.reserve(count)

    def _headers(self) -> Iterator[tuple[str, str]]:
        for name, value in self.headers.pairs():
            # As `-` and `_` are one in a WSGI environment, the latter could stand for the former.
            if '_' not in name:
                key = name.replace('-', '_').upper()
                if key not in ('CONTENT_TYPE', 'CONTENT_LENGTH'):
                    yield f'HTTP_{key}', value

    def get_environ(self) -> dict[str, Any]:
        """WSGI environment of a request whose head is read."""
        self.socket.settimeout(_BODY_STALL_S)
        self.server.request_began(self)
        absolute = _ABSOLUTE.match(self.path)
        if absolute:
            self.path = self.path[absolute.end():] or '/'
        environ: dict[str, Any] = super().get_environ()
        environ['wsgi.input'] = self.wsgi_input = self._body()
        self._began = time.monotonic()
        environ['mms.client_left'] = self.client_left
        return environ

    def client_left(self) -> bool:
        """Whether the client has closed its connection; any thread may ask, also when it has ended
        on this side.
        """
        sock = self.__dict__.get('socket')
        return sock is None or has_left(sock, self._began)

    def _body(self) -> RequestStream:
        if self.headers.get('transfer-encoding'):
            limits = self.server.limits
            return ChunkedStream(self.rfile, self._time_slice,
                                 limits.head_bytes - self._head_bytes, limits.header_lines,
                                 self._ask_for_body, self._hold)
        return RequestStream(self.rfile, self._time_slice, self.content_length or 0,
                             self._ask_for_body)

    def _ask_for_body(self) -> None:
        if self._expects_to_be_asked():
            self.socket.sendall(_CONTINUE)

    def _expects_to_be_asked(self) -> bool:
        return (self.request_version == 'HTTP/1.1'
                and (self.headers.get('expect') or '').lower() == '100-continue')

    def run_application(self) -> None:
        """Answer one request."""
        self._is_answering = True
        super().run_application()
        self._is_answering = False
        self.server.request_ended(self)
        if self._body_is_left():
            self._discard_body()

    def finalize_headers(self) -> None:
        """Say whether the connection stays open."""
        if self.server.draining or self._is_probe or self._body_is_left():
            self.close_connection = True
            self.response_headers = [header for header in self.response_headers
                                     if header[0].lower() != b'connection']
            self.response_headers.append((b'Connection', b'close'))
        if self.provided_date is None:
            self.provided_date = _date(int(time.time()))
            self.response_headers.append((b'Date', self.provided_date))
        super().finalize_headers()

    def log_request(self) -> None:
        """Nothing: the application has logged it."""

    def process_result(self) -> None:
        """Send the answer."""
        self._answer.begin()
        super().process_result()
        self._answer.flush()

    def handle_error(self, kind: type[BaseException], error: Any, trace: Any) -> None:
        """Answer a request over which the application fails, or the server ends."""
        if issubclass(kind, gevent.GreenletExit):
            # What was answered alone has the rest of its body to come.
            if self._is_answering:
                logger.error('%s', _SERVER_ENDS)
            # Who takes nothing is not waited for.
            self.socket.setblocking(False)
            self._refuse('503', _SERVER_ENDS)
        else:
            super().handle_error(kind, error, trace)

    def _send_error_response_if_possible(self, error_code: int) -> None:
        self._refuse(str(error_code))

    def _refuse(self, status: str, reason: str = '') -> None:
        """Answer a request that has no answer yet, and close the connection."""
        self._answer.forget()
        self.close_connection = True
        if not self.response_length:
            with suppress(OSError):
                self.socket.sendall(self._refusal(status, reason))

    @property
    def response_length(self) -> int:
        """How many bytes of the answer the client's system has taken."""
        return self._answer.sent_bytes

    @response_length.setter
    def response_length(self, count: int) -> None:
        self._answer.sent_bytes = count

    def _sendall(self, data: Body) -> None:
        self._answer.write(data)

    def _connection_upgrade_requested(self) -> bool:
        """Never: gevent would hand out the bare connection, without an end to the body."""
        return False

    def _handle_client_error(self, error: BaseException) -> Optional[tuple[str, bytes]]:
        if isinstance(error, EOFError):
            # The client left in the middle of a head.
            return None
        return self._refuser.count_error(error), b''

    def _body_is_left(self) -> bool:
        return not self.wsgi_input.is_over

    def _discard_body(self) -> None:
        body = self.wsgi_input
        if self._expects_to_be_asked() and not body.is_begun:
            # A client that was never told to go on has sent nothing.
            return
        # It ends too early, has a broken chunk, or trailers for which there is no room.
        with suppress(OSError, ValueError, BuffersFull), gevent.Timeout(_LINGER_S, False):
            while body.read(_DISCARD_BYTES):
                pass


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    date: bytes = format_date_time(second)
    return date

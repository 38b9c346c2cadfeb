"""The beginning of a connection under TLS, in a greenlet of its own."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Any, Callable, Optional

import gevent
from gevent import socket

from mms.event_loop.yielding import TimeSlice, yield_if_due
from mms.frontend.http.admission import Peer
from mms.frontend.http.client_state import has_sent
from mms.frontend.http.refusal import refusal
from mms.frontend.http.tls_socket import TLSContext, TLSSocket, close, linger
from mms.frontend.request_context import context_of
from mms.log import request_ids
from mms.metrics.refusals import HANDSHAKE, Refusals

# Some round trips. Who takes longer only holds a connection.
_HANDSHAKE_S = 10.0
# The same of a connection that is beyond a limit.
_HEARD_S = 2.0
# The client has left.
_ENDED = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
_PLAIN = 'This port speaks TLS: ask it with https:// in the place of http://.'


class Handshake:
    """Makes a connection one under TLS.

    Parameters
    ----------
    sock
        A connection of gevent's; it is closed where there is no handshake.
    peer
        Its client.
    context
        Has the certificate.
    refusals
        Where it is counted that there is none.
    on_begin
        Called when the client has begun.
    """

    def __init__(self, sock: Any, peer: Peer, context: TLSContext,
                 refusals: Refusals, on_begin: Callable[[], None]) -> None:
        self._sock = sock
        self._peer = peer
        self._context = context
        self._refusals = refusals
        self._on_begin = on_begin
        self._greenlet = gevent.getcurrent()
        self._is_over = False

    def give_way(self) -> bool:
        """End it for another client's sake, unless it is beyond a limit itself, or something has
        come just now.
        """
        if self._peer.refusal or has_sent(self._sock):
            return False
        gevent.get_hub().loop.run_callback(self._end_unless_over)
        return True

    def _end_unless_over(self) -> None:
        # It may have come to its end meanwhile, and its greenlet be at a request.
        if not self._is_over and not self._greenlet.dead:
            self._greenlet.throw(gevent.GreenletExit())

    def run(self) -> Optional[TLSSocket]:
        """The connection under TLS; None where there is none."""
        made = None
        try:
            made = self._limited()
        finally:
            self._is_over = True
            if made is None:
                close(self._sock)
        return made

    def _limited(self) -> Optional[TLSSocket]:
        limit = gevent.Timeout.start_new(_HEARD_S if self._peer.refusal else _HANDSHAKE_S)
        try:
            # Of TLS it is a number; of the method of a request, a letter.
            first = self._sock.recv(1, socket.MSG_PEEK)
            if not first.isalpha():
                return self._finish() if first else None
        except gevent.Timeout as late:
            if late is not limit:
                raise
            late.__traceback__ = late.__context__ = None
            self._tell('it took too long')
            return None
        except ssl.SSLError as error:
            limit.close()
            if not isinstance(error, _ENDED):
                self._tell(_told(error))
                # The alert that says why would be lost with the connection.
                self._linger()
            return None
        except OSError:
            return None
        finally:
            limit.close()
        self._refuse()
        return None

    def _finish(self) -> TLSSocket:
        """Step by step: each computes for up to some milliseconds, and others have their turn
        between them.
        """
        self._on_begin()
        made: TLSSocket = self._context.wrap_socket(
            self._sock, server_side=True, do_handshake_on_connect=False)
        self._sock = made
        made.setblocking(False)
        while True:
            yield_if_due()
            try:
                made.do_handshake()
                break
            except ssl.SSLWantReadError:
                socket.wait_read(made.fileno())
            except ssl.SSLWantWriteError:
                socket.wait_write(made.fileno())
        made.setblocking(True)
        return made

    def _refuse(self) -> None:
        """Answer who speaks HTTP without TLS."""
        request_ids.begin(context_of({}))
        self._tell('it speaks plain HTTP')
        with suppress(OSError), gevent.Timeout(_HANDSHAKE_S, False):
            self._sock.sendall(refusal('400', request_ids.current()[0].request_id,
                                       instead=_PLAIN))
        self._linger()
        request_ids.end()

    def _linger(self) -> None:
        with suppress(OSError):
            linger(self._sock, TimeSlice())

    def _tell(self, reason: str) -> None:
        self._refusals.count(HANDSHAKE, f'No TLS handshake with {self._peer.host}: {reason}')


def _told(error: ssl.SSLError) -> str:
    """Why there is none, in the words of OpenSSL."""
    reason = error.reason or str(error)
    told: str = getattr(error, 'verify_message', '') or reason.replace('_', ' ').lower()
    kind, alert, said = told.partition(' alert ')
    return f'the client says {said!r}' if alert else told

"""TLS of one connection, a bounded piece at a time.

OpenSSL reads from a socket for as long as nothing of what comes is data: a handshake in records of
a byte each, or one after the other that it refuses. Meanwhile the event loop would stand still.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Any, Callable

from mms.event_loop.yielding import yield_if_due

# A record, and what is around it.
_PIECE_BYTES = 17 * 1024
# Of those, a whole record is in so many.
_PIECES_AT_ONCE = 2
# Of what is sent, one record: of a larger piece nobody could tell how much the client has taken.
_RECORD_BYTES = 16 * 1024


class TLSEngine:
    """What gevent's ``SSLSocket`` calls OpenSSL for, without waiting.

    Parameters
    ----------
    sock
        The socket below gevent's, which never blocks.
    wrap
        Makes OpenSSL's part of it, from a buffer for what has come and one for what is to be sent.
    """

    def __init__(self, sock: Any, wrap: Callable[[ssl.MemoryBIO, ssl.MemoryBIO], Any]) -> None:
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._openssl = wrap(self._incoming, self._outgoing)
        self._unsent = b''
        # What is enciphered, and has not left whole.
        self._held = b''
        self._is_fruitless = False

    def __getattr__(self, name: str) -> Any:
        # What it only tells: the version, the cipher.
        return getattr(self._openssl, name)

    def do_handshake(self) -> None:
        """Go on with the handshake.

        Raises
        ------
        ssl.SSLWantReadError, ssl.SSLWantWriteError
            It is to be called again when the socket is ready.
        """
        self._flush()
        self._run(self._openssl.do_handshake)
        self._flush()

    def read(self, *wanted: Any) -> Any:
        """Some of what has come, as ``SSLObject.read``; raises as the handshake."""
        # Others may do the same: what comes of nothing is done in turns.
        if self._is_fruitless:
            yield_if_due()
        self._is_fruitless = True
        done = self._run(self._openssl.read, *wanted)
        self._is_fruitless = False
        return done

    def write(self, data: Any) -> int:
        """Send the start of some data; how many bytes it has. Raises as the handshake, and is then
        to be called with the same data again.
        """
        with memoryview(data) as view:
            if not self._held:
                self._flush()
                record = bytes(view[:_RECORD_BYTES])
                self._openssl.write(record)
                self._held = record
            elif view[:len(self._held)] != self._held:
                raise ssl.SSLError('what is on its way is something else')
        self._flush()
        count, self._held = len(self._held), b''
        return count

    def shutdown(self) -> Any:
        """Say goodbye; the socket, where the other side has done so, too."""
        self._flush()
        try:
            self._openssl.shutdown()
        finally:
            self._flush()
        return self._sock

    def _run(self, step: Callable[..., Any], *arguments: Any) -> Any:
        for _ in range(_PIECES_AT_ONCE):
            with suppress(ssl.SSLWantReadError):
                return self._told(step, *arguments)
            self._receive()
        return self._told(step, *arguments)

    def _told(self, step: Callable[..., Any], *arguments: Any) -> Any:
        """Do it, and send what the other side is to know before more comes from there."""
        try:
            return step(*arguments)
        except ssl.SSLWantReadError:
            self._flush()
            raise
        except ssl.SSLError:
            with suppress(OSError):
                self._flush()
            raise

    def _receive(self) -> None:
        try:
            piece = self._sock.recv(_PIECE_BYTES)
        except BlockingIOError:
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, 'nothing has come') from None
        if piece:
            self._incoming.write(piece)
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        while self._unsent or self._outgoing.pending:
            self._unsent = self._unsent or self._outgoing.read()
            try:
                sent = self._sock.send(self._unsent)
            except BlockingIOError:
                raise ssl.SSLWantWriteError(ssl.SSL_ERROR_WANT_WRITE, 'there is no room') from None
            self._unsent = self._unsent[sent:]

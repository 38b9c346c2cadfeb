"""The answer to one request, as a WSGI application begins it, and writes it piece by piece."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, Callable, Optional, Union

from gevent.pywsgi import format_date_time

from mms.frontend.http.answer_writer import AnswerWriter
from mms.frontend.http.head import Head
from mms.ipc.request import Body

_ExcInfo = Union[tuple[type[BaseException], BaseException, Optional[TracebackType]],
                 tuple[None, None, None]]
# What their status says is all that there is.
_WITHOUT_BODY = (204, 304)
_CONNECTION, _DATE, _LENGTH = 'connection', 'date', 'content-length'
_FRAMING = (_CONNECTION, _DATE, _LENGTH)


class Answer:
    """Makes the head of an answer, and sends it with its body.

    Parameters
    ----------
    writer
        Sends it.
    request
        The head of what is answered.
    must_close
        Whether the connection is closed after it, whatever the client would like; asked when the
        head is sent.

    Attributes
    ----------
    keeps_open
        Whether the client may send another request; known once the head is sent.
    """

    __slots__ = ('_code', '_head', '_in_chunks', '_is_begun', '_must_close', '_request', '_said',
                 '_writer', 'keeps_open')

    def __init__(self, writer: AnswerWriter, request: Head, must_close: Callable[[], bool]) -> None:
        self._writer = writer
        self._request = request
        self._must_close = must_close
        self._head = b''
        self._code = 0
        self._said: dict[str, str] = {}
        self._is_begun = False
        self._in_chunks = False
        self.keeps_open = False

    def start(self, status: str, headers: Sequence[tuple[str, str]],
              error: Optional[_ExcInfo] = None) -> Callable[[Body], None]:
        """What WSGI calls ``start_response``.

        Raises
        ------
        ValueError
            A line end in the status or in a header would begin another header.
        """
        if error is not None and error[1] is not None and self._is_begun:
            try:
                raise error[1].with_traceback(error[2])
            finally:
                error = None
        self._said = {}
        lines = [f'HTTP/1.1 {status}\r\n']
        for name, value in headers:
            if name.lower() in _FRAMING:
                self._said[name.lower()] = value
            lines.append(name + ': ' + value + '\r\n')
        text = ''.join(lines)
        if not text.count('\r') == text.count('\n') == len(lines):
            raise ValueError('a line end in the status or in a header')
        if _CONNECTION in self._said:
            text = ''.join(line for line in lines if not line.lower().startswith('connection: '))
        self._code = int(status.partition(' ')[0])
        if self._code in _WITHOUT_BODY and self._said.get(_LENGTH, '0') != '0':
            raise AssertionError(f'a {self._code} with a body')
        self._head = text.encode('latin-1')
        return self.write

    def send(self, result: Iterable[Body]) -> None:
        """Send what the application has returned."""
        for piece in result:
            if piece:
                self._write(piece, result)
        if not self._is_begun:
            self._begin(result)
        if self._in_chunks:
            self._writer.write(b'0\r\n\r\n')
        self._writer.flush()

    def write(self, piece: Body) -> None:
        """Send a piece of the body."""
        self._write(piece, None)

    def _write(self, piece: Body, result: Any) -> None:
        if not self._is_begun:
            self._begin(result)
        if not piece:
            return
        if self._code in _WITHOUT_BODY:
            raise AssertionError(f'a {self._code} with a body')
        if self._in_chunks:
            self._writer.write(b'%x\r\n' % len(piece))
            self._writer.write(piece)
            self._writer.write(b'\r\n')
        else:
            self._writer.write(piece)

    def _begin(self, result: Any) -> None:
        """Send the head, with the headers that are the server's to say."""
        if not self._code:
            raise AssertionError('the application has not called start_response()')
        self._is_begun = True
        more = self._connection()
        if _DATE not in self._said:
            more += _date(int(time.time()))
        if _LENGTH not in self._said and self._code not in _WITHOUT_BODY:
            if hasattr(result, '__len__'):
                more += b'Content-Length: %d\r\n' % sum(map(len, result))
            elif self._request.version != 'HTTP/1.0':
                self._in_chunks = True
                more += b'Transfer-Encoding: chunked\r\n'
        self._writer.write(self._head + more + b'\r\n')

    def _connection(self) -> bytes:
        said = self._said.get(_CONNECTION, '')
        wanted = self._request.keeps_open
        if self._must_close():
            return b'Connection: close\r\n'
        self.keeps_open = wanted and said != 'close'
        if not said and self._request.version == 'HTTP/1.0':
            said = 'keep-alive' if wanted else 'close'
        return f'Connection: {said}\r\n'.encode('latin-1') if said else b''


# Clients that ask at the same time get the same.
@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    date: bytes = format_date_time(second)
    return b'Date: ' + date + b'\r\n'

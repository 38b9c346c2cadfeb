"""Clients under chaos: each request is told from all others, and so is each answer."""

from __future__ import annotations

import http.client
import json
import random
import select
import socket
import threading
import time
import uuid
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import NamedTuple
from urllib.parse import urlencode

from chaos_models import NAME, fault_of
from client_threads import ClientThreads

TIMEOUT_S = 120
# A client that is refused comes again; at once would be an attack.
RETRY_S = 0.005
# What the service takes over a request: most take no time, some are killed in the middle.
LONG_S = 0.03
LONG_SHARE = 0.3
LEAVING_SHARE = 0.02
_FORM = {'Content-Type': 'application/x-www-form-urlencoded'}


class ErrorAnswer(NamedTuple):
    """An answer that is an error, and when it was asked for and came (:func:`time.monotonic`)."""

    status: int
    text: str
    sent: float
    answered: float


class Tally:
    """What became of all requests; any thread may add to it.

    Attributes
    ----------
    statuses
        Status -> how many answers have it.
    errors
        Word of a request that was answered by an error -> that answer.
    lost
        Requests that had no answer, each with what happened.
    wrong
        Answers that are another request's, or none at all, or that nobody asked for.
    left
        Requests whose client did not wait.
    """

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.errors: dict[str, ErrorAnswer] = {}
        self.lost: list[str] = []
        self.wrong: list[str] = []
        self.left = 0
        self.longest_s = 0.0
        self._lock = threading.Lock()

    @property
    def requests(self) -> int:
        """How many were sent whole."""
        return sum(self.statuses.values()) + len(self.lost) + self.left

    def answered(self, word: str, status: int, text: str, sent: float) -> None:
        """Check an answer that has come now, and count it."""
        now = time.monotonic()
        fault = fault_of(word, text) if status == http.client.OK else ''
        with self._lock:
            self.statuses[status] += 1
            self.longest_s = max(self.longest_s, now - sent)
            if status != http.client.OK:
                self.errors[word] = ErrorAnswer(status, text, sent, now)
            if fault:
                self.wrong.append(fault)

    def not_answered(self, word: str, error: Exception) -> None:
        """Count a request whose connection broke before there was an answer."""
        with self._lock:
            self.lost.append(f'{word} had no answer: {type(error).__name__}: {error}')

    def not_asked_for(self, word: str, data: bytes) -> None:
        """Note what came after the answer to a request."""
        with self._lock:
            self.wrong.append(f'after its answer, {word} was sent {data[:200]!r}')

    def gave_up(self) -> None:
        """Count one whose client left."""
        with self._lock:
            self.left += 1


class Clients(ClientThreads):
    """Clients that ask all the time, from entry to exit: half of them keep their connections, the
    others make one for each request.

    Parameters
    ----------
    port
        Of the server.
    count
        How many there are.
    seed
        Of what they do.

    Attributes
    ----------
    tally
        What became of their requests.
    """

    def __init__(self, port: int, count: int, seed: int) -> None:
        self.tally = Tally()
        self._port = port
        super().__init__([partial(self._run, place % 2 == 0, random.Random(f'{seed} {place}'))
                          for place in range(count)])

    def _run(self, keeps: bool, chance: random.Random) -> None:
        connection = http.client.HTTPConnection('127.0.0.1', self._port, timeout=TIMEOUT_S)
        asked = ''
        while not self.is_over.is_set():
            # As clients do that keep connections: one that the server has closed is not used again.
            if self._has_ended(connection, asked) or not keeps:
                connection.close()
            word = uuid.UUID(int=chance.getrandbits(128)).hex
            body = body_of(word, LONG_S if chance.random() < LONG_SHARE else 0)
            if chance.random() < LEAVING_SHARE:
                self._leave(word, body, chance.random() * LONG_S)
                continue
            asked = word
            if not self._ask(connection, word, body):
                time.sleep(RETRY_S)
        self._has_ended(connection, asked)
        connection.close()

    def _has_ended(self, connection: http.client.HTTPConnection, word: str) -> bool:
        """Whether a connection is of no use after a request: nothing may come but its end."""
        if connection.sock is None or not select.select([connection.sock], [], [], 0)[0]:
            return False
        with suppress(ConnectionError):
            data = connection.sock.recv(200, socket.MSG_PEEK)
            if data:
                self.tally.not_asked_for(word, data)
        return True

    def _ask(self, connection: http.client.HTTPConnection, word: str, body: str) -> bool:
        """Whether it was answered well."""
        sent = time.monotonic()
        try:
            connection.request('POST', f'/{NAME}/predict', body, _FORM)
            answer = connection.getresponse()
            content, more = _read(answer)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.tally.not_answered(word, error)
            return False
        self.tally.answered(word, answer.status, content.decode(errors='replace'), sent)
        if more:
            self.tally.not_asked_for(word, more)
            connection.close()
        return answer.status == http.client.OK

    def _leave(self, word: str, body: str, after_s: float) -> None:
        """Send a request, and do not wait for its answer."""
        head = (f'POST /{NAME}/predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n'
                f'Content-Type: {_FORM["Content-Type"]}\r\n\r\n')
        try:
            with socket.create_connection(('127.0.0.1', self._port), TIMEOUT_S) as sock:
                sock.sendall((head + body).encode())
                time.sleep(after_s)
        except OSError as error:
            self.tally.not_answered(word, error)
            return
        self.tally.gave_up()


def body_of(word: str, seconds: float) -> str:
    """A form that asks the model for a word, over which it is to take so long."""
    return urlencode({'data': json.dumps([word, seconds])})


def _read(answer: http.client.HTTPResponse) -> tuple[bytes, bytes]:
    """What an answer has, and what came with it that is none of it: ``http.client`` would drop it
    with its buffer.
    """
    if not answer.length:
        return answer.read(), b''
    content = answer.read(answer.length - 1)
    last = answer.fp.peek()
    return content + answer.read(), last[1:]

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
from functools import partial
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


class Tally:
    """What became of all requests; any thread may add to it.

    Attributes
    ----------
    statuses
        Status -> how many answers have it.
    errors
        Word of a request that was answered by an error -> status and text.
    lost
        Requests that had no answer, each with what happened.
    wrong
        Answers that are another request's, or none at all.
    left
        Requests whose client did not wait.
    """

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.errors: dict[str, tuple[int, str]] = {}
        self.lost: list[str] = []
        self.wrong: list[str] = []
        self.left = 0
        self.longest_s = 0.0
        self._lock = threading.Lock()

    @property
    def requests(self) -> int:
        """How many were sent whole."""
        return sum(self.statuses.values()) + len(self.lost) + self.left

    def answered(self, word: str, status: int, text: str, took_s: float) -> None:
        """Check an answer, and count it."""
        fault = fault_of(word, text) if status == http.client.OK else ''
        with self._lock:
            self.statuses[status] += 1
            self.longest_s = max(self.longest_s, took_s)
            if status != http.client.OK:
                self.errors[word] = status, text
            if fault:
                self.wrong.append(fault)

    def not_answered(self, word: str, error: Exception) -> None:
        """Count a request whose connection broke before there was an answer."""
        with self._lock:
            self.lost.append(f'{word} had no answer: {type(error).__name__}: {error}')

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
        while not self.is_over.is_set():
            # As clients do that keep connections: one that the server has closed is not used again.
            if not keeps or _is_readable(connection):
                connection.close()
            word = uuid.UUID(int=chance.getrandbits(128)).hex
            body = body_of(word, LONG_S if chance.random() < LONG_SHARE else 0)
            if chance.random() < LEAVING_SHARE:
                self._leave(body, chance.random() * LONG_S)
            elif not self._ask(connection, word, body):
                time.sleep(RETRY_S)
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, word: str, body: str) -> bool:
        """Whether it was answered well."""
        began = time.monotonic()
        try:
            connection.request('POST', f'/{NAME}/predict', body, _FORM)
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.tally.not_answered(word, error)
            return False
        self.tally.answered(word, answer.status, text, time.monotonic() - began)
        return answer.status == http.client.OK

    def _leave(self, body: str, after_s: float) -> None:
        """Send a request, and do not wait for its answer."""
        head = (f'POST /{NAME}/predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n'
                f'Content-Type: {_FORM["Content-Type"]}\r\n\r\n')
        with socket.create_connection(('127.0.0.1', self._port), TIMEOUT_S) as sock:
            sock.sendall((head + body).encode())
            time.sleep(after_s)
        self.tally.gave_up()


def body_of(word: str, seconds: float) -> str:
    """A form that asks the model for a word, over which it is to take so long."""
    return urlencode({'data': json.dumps([word, seconds])})


def _is_readable(connection: http.client.HTTPConnection) -> bool:
    return connection.sock is not None and bool(select.select([connection.sock], [], [], 0)[0])

"""Clients of a long run: all kinds of requests, right and wrong, on connections of all kinds."""

from __future__ import annotations

import http.client
import random
import socket
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from body import URLENCODED
from chaos_clients import body_of
from chaos_models import NAME, fault_of
from client_threads import ClientThreads

TIMEOUT_S = 120
BRIGHTNESS = 'brightness'
FORM = {'Content-Type': URLENCODED}
# Of a server that closes a connection, or has a worker that is killed, no answer is surprising but
# these: whoever sends what is wrong is told so.
EXPECTED = {'json': {200}, 'picture': {200}, 'fresh': {200}, 'no json': {400}, 'no path': {404},
            'metrics': {200}, 'listing': {200}, 'description': {200},
            'broken head': {'HTTP/1.1 400 BAD REQUEST'}, 'leaves': {'left'}}
SHARES = {'json': 50, 'picture': 15, 'fresh': 8, 'no json': 6, 'no path': 6, 'broken head': 4,
          'leaves': 4, 'metrics': 2, 'listing': 2, 'description': 3}


class Picture(NamedTuple):
    """A form with a picture, its type, and the answer to it."""

    content: bytes
    content_type: str
    answer: str


class SoakClients(ClientThreads):
    """Clients that ask until so many requests are sent.

    Parameters
    ----------
    port, management_port, token
        Of the server.
    pictures
        Some of the requests ask about one of them.
    count
        How many clients there are.
    requests
        How many they send together.
    seed
        Of what they ask.

    Attributes
    ----------
    outcomes
        Kind of request and status, or the name of the error -> how many.
    faults
        Answers that are not what was expected.
    """

    def __init__(self, port: int, management_port: int, token: str, pictures: Sequence[Picture],
                 count: int, requests: int, seed: int) -> None:
        self._port, self._management_port, self._token = port, management_port, token
        self._pictures = pictures
        self._left = requests
        self._lock = threading.Lock()
        self.outcomes: Counter[tuple[str, object]] = Counter()
        self.faults: list[str] = []
        self.is_done = threading.Event()
        super().__init__([partial(self._run, random.Random(f'{seed} {place}'))
                          for place in range(count)])

    @property
    def sent(self) -> int:
        """How many requests have an outcome."""
        return sum(self.outcomes.values())

    def _run(self, chance: random.Random) -> None:
        try:
            self._ask_all(chance)
        finally:
            self.is_done.set()

    def _ask_all(self, chance: random.Random) -> None:
        connection = http.client.HTTPConnection('127.0.0.1', self._port, timeout=TIMEOUT_S)
        kinds, weights = list(SHARES), list(SHARES.values())
        while not self.is_over.is_set() and self._take():
            [kind] = chance.choices(kinds, weights)
            word = uuid.UUID(int=chance.getrandbits(128)).hex
            try:
                outcome: object = self._ask(kind, word, connection, chance)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                outcome = type(error).__name__
            self._note(kind, outcome)
        connection.close()

    def _take(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0

    def _note(self, kind: str, outcome: object) -> None:
        with self._lock:
            self.outcomes[kind, outcome] += 1
            if outcome not in EXPECTED.get(kind, {outcome}):
                self.faults.append(f'{kind}: {outcome}')

    def _ask(self, kind: str, word: str, connection: http.client.HTTPConnection,
             chance: random.Random) -> object:
        """The status, or what is wrong with the answer."""
        if kind in ('json', 'fresh'):
            if kind == 'fresh':
                connection.close()
            status, text = _exchange(connection, 'POST', f'/{NAME}/predict', body_of(word, 0), FORM)
            return (fault_of(word, text) if status == http.client.OK else '') or status
        if kind == 'picture':
            picture = chance.choice(self._pictures)
            status, text = ask_picture(connection, picture.content, picture.content_type)
            return status if text == picture.answer else f'answered {status}: {text[:200]}'
        if kind == 'no json':
            return _exchange(connection, 'POST', f'/{NAME}/predict', 'data=[1', FORM)[0]
        if kind == 'listing':
            return self._listing()
        if kind == 'broken head':
            return self._raw(b'POST /\x00 HTTP/1.1\r\nContent-Length: -1\r\n\r\n', answered=True)
        if kind == 'leaves':
            body = body_of(word, 0)
            head = (f'POST /{NAME}/predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n'
                    f'Content-Type: {URLENCODED}\r\n\r\n{body}').encode()
            return self._raw(head[:chance.randint(1, len(head))], answered=False)
        path = {'no path': f'/{word}', 'metrics': '/metrics', 'description': '/api-description'}
        return _exchange(connection, 'GET', path[kind])[0]

    def _listing(self) -> int:
        connection = http.client.HTTPConnection('127.0.0.1', self._management_port,
                                                timeout=TIMEOUT_S)
        try:
            return _exchange(connection, 'GET', f'/models/{NAME}', None,
                             {'Authorization': f'Bearer {self._token}'})[0]
        finally:
            connection.close()

    def _raw(self, data: bytes, answered: bool) -> str:
        with socket.create_connection(('127.0.0.1', self._port), TIMEOUT_S) as sock:
            sock.sendall(data)
            if answered:
                with suppress(ConnectionError), sock.makefile('rb') as file:
                    return file.readline().rstrip().decode(errors='replace') or 'no answer'
                return 'no answer'
        return 'left'


def ask_picture(connection: http.client.HTTPConnection, content: bytes,
                content_type: str) -> tuple[int, str]:
    """Status and text of what a form with a picture is answered."""
    return _exchange(connection, 'POST', f'/{BRIGHTNESS}/predict', content,
                     {'Content-Type': content_type})


def _exchange(connection: http.client.HTTPConnection, method: str, path: str,
              body: object = None, headers: object = None) -> tuple[int, str]:
    ask: Callable[..., None] = connection.request
    ask(method, path, body, headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()

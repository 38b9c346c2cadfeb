"""An HTTP request, the route that answers it, and the response."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Callable, Optional

from werkzeug.http import HTTP_STATUS_CODES

from mms.config.trusted_proxies import TrustedProxies
from mms.frontend.access.scopes import MANAGE, Scopes
from mms.frontend.forwarded import NOBODY
from mms.frontend.openapi.operation import Told
from mms.frontend.request_context import context_of
from mms.ipc.request import JSON, Body
from mms.serving.caller import Caller, stays


class HTTPRequest:
    """A request, and what answers it.

    Parameters
    ----------
    environ
        Its WSGI environment.
    find
        What there is for a path and a method; not asked for a path that begins with two slashes.
    proxies
        Whose word counts about the client.

    Attributes
    ----------
    context
        What is known of it beside what it asks.
    method
        In capital letters.
    sent_path
        Its path, decoded.
    path
        The same with one slash at its beginning, however many there are.
    route
        What answers it; None where nothing does.
    parameters
        What its path has in the places of the route's parameters.
    caller
        Who waits for the answer.
    allowed
        Methods that its path takes; none where there is no such path.
    model
        Name of the model that it is for, if it is for one.
    metric
        That of its route; empty without one.
    token_name
        Name of the token that it came with; empty where that has none.
    """

    __slots__ = ('allowed', 'caller', 'context', 'environ', 'method', 'metric', 'model',
                 'parameters', 'path', 'route', 'sent_path', 'token_name')

    def __init__(self, environ: dict[str, Any], find: Callable[[str, str], Match],
                 proxies: TrustedProxies = NOBODY) -> None:
        self.environ = environ
        self.token_name = ''
        self.context = context_of(environ, proxies)
        # Another server than this package's does not say whether a client has left.
        self.caller = Caller(environ.get('mms.client_left', stays))
        self.method: str = environ['REQUEST_METHOD'].upper()
        self.sent_path = sent = decoded(environ.get('PATH_INFO', ''))
        is_plain = sent[:1] == '/' and sent[1:2] != '/'
        self.path = sent if is_plain else '/' + sent.lstrip('/')
        match = find(self.path, self.method) if is_plain or sent[:2] != '//' else NO_MATCH
        if not sent and match[0] is None:
            # The target of `GET http://host?x=1` has no path: it is /, for those that / answers.
            match = NO_MATCH
        self.route, self.parameters, self.allowed = match
        self.model: Optional[str] = self.parameters.get('model')
        self.metric = self.route.metric if self.route else ''
        if self.route is not None and self.route.model is not None:
            self.model = self.route.model(self)
            if self.model is None:
                # What is counted is counted for a model.
                self.metric = ''

    def count_for_nobody(self) -> None:
        """It is refused: what it asked for is no part of what is counted of a model."""
        self.model, self.metric = None, ''

    def came_from(self, token_name: str) -> None:
        """Note the name of the token that it came with."""
        self.token_name = token_name


def decoded(path: str) -> str:
    """WSGI has the bytes of a path as Latin-1."""
    return path if path.isascii() else path.encode('latin-1').decode('utf-8', 'replace')


class HTTPResponse:
    """What is sent back; its body can be read once.

    Attributes
    ----------
    status
        As a number.
    headers
        Names and values; middleware adds to them.
    body
        In pieces.
    """

    __slots__ = ('body', 'headers', 'status')

    def __init__(self, status: int, content_type: str, body: Iterable[Body], size: int) -> None:
        self.status = status
        self.headers = [('Content-Type', content_type), ('Content-Length', str(size))]
        self.body = body


# Those of MMS 1.x that are nobody else's are here, too.
_REASONS = {**HTTP_STATUS_CODES, 210: 'Partial Success'}


@lru_cache(maxsize=64)
def status_line(status: int) -> str:
    """A status with its reason, as WSGI wants it."""
    return f'{status} {_REASONS.get(status, "Unknown").upper()}'


@dataclass(frozen=True)
class Route:
    """One endpoint.

    Attributes
    ----------
    methods, path
        What it takes. GET brings HEAD, and OPTIONS is answered for every path. A path is matched to
        the letter, save parameters as ``<model>``, which the request has by these names.
    handle
        Answers a request, or raises.
    metric
        Name of the counts of its requests, less their end ``Total``, and of a model's failures,
        less ``4XX`` or ``5XX``; empty for none.
    model
        Name of the model that a request is for, where its path does not say; that may be none.
    protocol
        In which models are asked there; empty where none is.
    scopes
        Where tokens are asked for, one that has any of these is needed; without any, none is.
    told
        What the OpenAPI document tells of it; None for nothing.
    """

    methods: Sequence[str]
    path: str
    handle: Callable[[HTTPRequest], HTTPResponse]
    metric: str = ''
    model: Optional[Callable[[HTTPRequest], Optional[str]]] = None
    protocol: str = ''
    # A route of which nobody has thought is not open.
    scopes: Scopes = MANAGE
    told: Optional[Told] = None


# What there is for a path and a method: the route, or None; what the path has in the places of its
# parameters, also where the method has no route; and the methods that the path takes, none where it
# is unknown.
Match = tuple[Optional[Route], Mapping[str, str], Sequence[str]]
NO_MATCH: Match = (None, {}, ())


def json_response(status: int, value: Any) -> HTTPResponse:
    """A response of compact JSON."""
    return text_response(status, JSON, json_text(value, separators=(',', ':')))


def text_response(status: int, content_type: str, text: str) -> HTTPResponse:
    """A response in one piece."""
    body = text.encode()
    return HTTPResponse(status, content_type, (body,), len(body))


def json_text(value: Any, **options: Any) -> str:
    """A line of JSON, sorted, without the one control character that JSON leaves as it is."""
    return json.dumps(value, sort_keys=True, **options).replace('\x7f', '\\u007f') + '\n'

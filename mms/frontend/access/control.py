"""Lets nobody ask who has no token that is good for it."""

from __future__ import annotations

from typing import NamedTuple, Optional

from mms.config.cors_origins import NO_ORIGIN, Origins
from mms.frontend.access.refusals import AccessRefused, InsufficientScope, Unauthorized
from mms.frontend.access.scopes import PREDICT, Scopes
from mms.frontend.access.tokens import TokenSource, sent_token
from mms.frontend.chain import Middleware
from mms.frontend.cors import is_preflight
from mms.frontend.exchange import HTTPRequest, HTTPResponse
from mms.metrics.refusals import FORBIDDEN, UNAUTHORIZED, Refusals


class Asking(NamedTuple):
    """What a port asks for.

    Attributes
    ----------
    tokens
        Those that it takes.
    elsewhere
        Any of these is needed where there is no route: who may not ask a model is not told which
        there are.
    realm
        Its name, in answers.
    message
        What is said to who has no token; empty for the usual.
    """

    tokens: TokenSource
    elsewhere: Scopes = PREDICT
    realm: str = 'mxnet-model-server'
    message: str = ''


class Access:
    """Who may ask a server.

    Parameters
    ----------
    tokens
        What it takes; None where it asks for no token.
    origins
        Pages of these may ask.
    refusals
        Where it is counted who may not.

    Attributes
    ----------
    tokens
        As given.
    """

    def __init__(self, tokens: Optional[TokenSource], origins: Origins,
                 refusals: Refusals) -> None:
        self.tokens = tokens
        self._origins = origins
        self._refusals = refusals

    def control(self, elsewhere: Scopes = PREDICT) -> list[Middleware]:
        """What refuses others, where anybody is refused; see :class:`Asking`."""
        if self.tokens is None:
            return []
        return [AccessControl(Asking(self.tokens, elsewhere), self._refusals, self._origins)]

    def sees_all(self, request: HTTPRequest) -> bool:
        """Whether a request may be told what only those may know who have a token."""
        if self.tokens is None:
            return True
        sent = sent_token(request.environ)
        return bool(sent) and self.tokens.find(sent or '') is not None


class AccessControl(Middleware):
    """Asks each request for a token, but for probes.

    Parameters
    ----------
    asking
        What it asks for.
    refusals
        Where it is counted whom it refuses.
    origins
        Pages of these may ask; a browser asks without a token whether they may.
    """

    def __init__(self, asking: Asking, refusals: Refusals, origins: Origins = NO_ORIGIN) -> None:
        self._asking = asking
        self._refusals = refusals
        self._origins = origins

    def before(self, request: HTTPRequest) -> Optional[HTTPResponse]:
        """Refuse a request without a token that is good for its route.

        Raises
        ------
        Unauthorized, InsufficientScope
        """
        asking, route = self._asking, request.route
        scopes = route.scopes if route is not None else asking.elsewhere
        if not scopes:
            return None
        sent = sent_token(request.environ)
        if sent is None and is_preflight(request.method, request.environ, self._origins):
            # The same for every path: it tells nothing of what there is.
            return HTTPResponse(200, 'text/html; charset=utf-8', (), 0)
        token = asking.tokens.find(sent) if sent else None
        if token is None:
            raise self._counted(UNAUTHORIZED, request, Unauthorized(
                asking.realm, sent is not None, asking.message))
        if token.name:
            request.came_from(token.name)
        if scopes.isdisjoint(token.scopes):
            raise self._counted(FORBIDDEN, request, InsufficientScope(asking.realm, scopes))
        return None

    def _counted(self, reason: str, request: HTTPRequest, error: AccessRefused) -> AccessRefused:
        request.count_for_nobody()
        name = f', token {request.token_name}' if request.token_name else ''
        self._refusals.count(reason, f'{request.context.client} is refused{name}: {error}')
        return error

"""The management port of a server, where one is asked for."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Optional

from mms.bootstrap.exposure import warn_of_open_management
from mms.bootstrap.listeners import Listeners
from mms.bootstrap.model_loader import DRAIN_TIMEOUT_S, ModelLoader
from mms.bootstrap.parts import Parts
from mms.config.cors_origins import NO_ORIGIN
from mms.config.settings import NO_TOKEN
from mms.errors import AddressError
from mms.frontend.access.control import Access, AccessControl, Asking
from mms.frontend.access.scopes import MANAGE
from mms.frontend.access.token_file import TokenFile, management_tokens
from mms.frontend.access.tokens import AnyOf, Token, Tokens, TokenSource, digest_of, made_up
from mms.frontend.address import reachable_url
from mms.frontend.api.health import Sees, everybody, health_routes
from mms.frontend.chain import Middleware
from mms.frontend.console.addresses import page_address
from mms.frontend.console.pages import Pages
from mms.frontend.console.routes import page_routes
from mms.frontend.exchange import Route
from mms.frontend.management.application import management_application
from mms.frontend.management.middleware import REALM, TOKEN_ASKED, NoTokenAsked
from mms.frontend.management.model_jobs import ModelJobs
from mms.frontend.management.model_store import ModelStore
from mms.frontend.management.models_api import Server
from mms.frontend.management.repository_api import open_inference_routes
from mms.frontend.middleware import GiveWay
from mms.runtime.token_file import remove_token, write_token
from mms.serving.registry import Registry
from mms.serving.server_state import ServerState

logger = logging.getLogger(__name__)

MANAGEMENT = 'management'


class ManagementListener:
    """Binds the port early, and answers on it while models load.

    Parameters
    ----------
    parts
        The parts of the server.
    listeners
        Its sockets.
    undo
        Removes what is to be removed at the end.
    main
        Where the console of the models' port is, in parts; None where no browser gets there.

    Raises
    ------
    AddressError
        The port cannot be bound.
    """

    def __init__(self, parts: Parts, listeners: Listeners, undo: ExitStack,
                 main: Optional[Mapping[str, Any]]) -> None:
        self._parts = parts
        self._main = main
        self._listeners = listeners
        self._undo = undo
        self._token_path: Optional[str] = None
        settings = parts.settings
        self._port = _bind(listeners, settings.management_host, settings.management_port or 0,
                           settings.said('management_host'))
        if settings.console:
            parts.management_page = page_address(settings.management_host, self._port,
                                                 settings.scheme)

    def listen(self, models: Registry, loader: ModelLoader) -> None:
        """Answer from now on.

        Raises
        ------
        UsageError
            The file of the tokens cannot be used, or the model store is no folder.
        StartupError
            A token cannot be left for who is to use it.
        """
        parts, settings = self._parts, self._parts.settings
        tokens = self._tokens()
        store = ModelStore(settings.model_store, settings.said('model_store'),
                           anywhere=tokens is not None)
        jobs = ModelJobs(models, loader, DRAIN_TIMEOUT_S)
        parts.lifecycle.subscribe(
            lambda state: jobs.stop() if state is ServerState.DRAINING else None)
        self._undo.callback(jobs.stop)
        server = Server(models, loader, store, parts.summary, parts.lifecycle,
                        settings.models, parts.budget)
        self._listeners.listen(MANAGEMENT, management_application(
            server, jobs, self._allowed(tokens),
            [*health_routes(parts.health, self._sees(tokens)), *self._console(tokens),
             *open_inference_routes(server, jobs, parts.health, parts.tally)],
            [GiveWay()], parts.access_log, settings.forwarded_allow_ips, tokens is not None))
        logger.info('Management endpoint: %s', self.announcement)
        warn_of_open_management(self._listeners.host(MANAGEMENT), tokens is not None, settings)

    @property
    def announcement(self) -> str:
        """Where it is, and which token it asks for, for a person."""
        settings = self._parts.settings
        url = reachable_url(settings.management_host, self._port, settings.scheme)
        return f'{url}  ({self._about_token()})'

    def _tokens(self) -> Optional[TokenSource]:
        """Those that are taken; None where none is asked for."""
        settings, common = self._parts.settings, self._parts.access.tokens
        asked = settings.management_token
        if asked == NO_TOKEN:
            return None
        if asked is not None:
            own = TokenFile(asked, settings.said('management_token'), management_tokens,
                            'The tokens of the management port')
            self._parts.read_again([asked], own.reload, self._undo)
            return own if common is None else AnyOf([own, common])
        if common is not None:
            return common
        token = made_up()
        self._token_path = write_token(self._port, token)
        self._undo.callback(remove_token, self._token_path, token)
        return Tokens([Token(digest_of(token), MANAGE)])

    def _allowed(self, tokens: Optional[TokenSource]) -> Middleware:
        """What refuses others."""
        settings = self._parts.settings
        if tokens is None:
            return NoTokenAsked(settings.management_host)
        common = settings.auth_token_file is not None
        return AccessControl(Asking(tokens, MANAGE, REALM, '' if common else TOKEN_ASKED),
                             self._parts.server_metrics.refusals)

    def _sees(self, tokens: Optional[TokenSource]) -> Sees:
        """Whether a probe is told all."""
        if self._parts.access.tokens is None:
            return everybody
        return Access(tokens, NO_ORIGIN, self._parts.server_metrics.refusals).sees_all

    def _console(self, tokens: Optional[TokenSource]) -> Sequence[Route]:
        """The page, where there is to be one."""
        if not self._parts.settings.console:
            return ()
        return page_routes(Pages(lambda: {
            'port': 'management', 'models': self._main, 'changes': tokens is not None}))

    def _about_token(self) -> str:
        settings = self._parts.settings
        asked = settings.management_token
        if asked == NO_TOKEN:
            return 'it asks for no token'
        if asked is None and settings.auth_token_file is not None:
            return f'its tokens are those of the scope manage in {settings.auth_token_file}'
        return f'its token is in {self._token_path or asked}'


def _bind(listeners: Listeners, host: str, port: int, said: str) -> int:
    try:
        return listeners.bind(MANAGEMENT, host, port, said)
    except AddressError as error:
        named = str(error).replace(' --port', ' --management-port')
        raise AddressError(named.replace(' --host', ' --management-host')) from error

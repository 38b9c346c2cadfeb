"""The endpoints of the console, on the port of the models and on the management port."""

from __future__ import annotations

from mms.frontend.access.scopes import ANY, METRICS, OPEN
from mms.frontend.console import operations
from mms.frontend.console.live import Live
from mms.frontend.console.pages import Pages
from mms.frontend.exchange import Route
from mms.frontend.openapi.operation import PartOf

CONSOLE = '/console'


def page_routes(pages: Pages) -> list[Route]:
    """The page and its files, which are those of every installation: no token is asked for."""
    return [Route(('GET',), CONSOLE, pages.index, scopes=OPEN, told=operations.PAGE),
            # As people type it; all that the page names would be looked for elsewhere.
            Route(('GET',), f'{CONSOLE}/', pages.without_slash, scopes=OPEN, told=PartOf(CONSOLE)),
            Route(('GET',), f'{CONSOLE}/{pages.digest}/<file>', pages.file, scopes=OPEN,
                  told=PartOf(CONSOLE))]


def console_routes(pages: Pages, live: Live) -> list[Route]:
    """The same, with what the page shows."""
    return [*page_routes(pages),
            Route(('GET',), f'{CONSOLE}/models', live.models, scopes=ANY,
                  told=operations.MODELS),
            Route(('GET',), f'{CONSOLE}/state', live.state, scopes=METRICS,
                  told=operations.STATE)]

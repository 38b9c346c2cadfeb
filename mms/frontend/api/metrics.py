"""What Prometheus scrapes: ``GET /metrics``."""

from __future__ import annotations

from mms.frontend.access.scopes import METRICS
from mms.frontend.api.operations.metrics import SCRAPE
from mms.frontend.exchange import HTTPRequest, HTTPResponse, Route
from mms.metrics.exposition import Exposition


class Scrapes:
    """The endpoint for Prometheus, and for whoever reads its format.

    Parameters
    ----------
    exposition
        Writes the text.
    """

    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition

    def scrape(self, request: HTTPRequest) -> HTTPResponse:
        """The text."""
        text, content_type = self._exposition.text(request.environ.get('HTTP_ACCEPT', ''))
        return HTTPResponse(200, content_type, (text,), len(text))


def metrics_routes(exposition: Exposition) -> list[Route]:
    """The endpoint, on whichever port."""
    return [Route(('GET',), '/metrics', Scrapes(exposition).scrape, scopes=METRICS,
                  told=SCRAPE)]

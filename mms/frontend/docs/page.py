"""The page ``/docs`` and its files; Swagger UI comes with the extra ``docs``."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path
from typing import Optional

from mms.errors import RequestError
from mms.event_loop.in_thread import in_thread
from mms.frontend.access.scopes import OPEN
from mms.frontend.api.operations.documents import DOCS
from mms.frontend.exchange import HTTPRequest, HTTPResponse, Route
from mms.frontend.openapi.operation import PartOf
from mms.frontend.static_file import StaticFile

# It carries the package swagger-ui-dist.
_PACKAGE = 'flask_swagger_ui'
_OWN = Path(__file__).parent / 'static'
_PAGE, _MISSING = 'index.html', 'missing.html'
_OWN_FILES = ('docs.css', 'docs.js')
_SWAGGER_UI_FILES = ('swagger-ui.css', 'swagger-ui-bundle.js')
_TYPES = {'.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8',
          '.js': 'text/javascript; charset=utf-8'}

# No script, style or picture of anybody else's, nothing that stands in the page itself, no request
# to another host, and in nobody's frame. Swagger UI's style sheet has its pictures as data.
_POLICY = '; '.join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
    "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"))
_HEADERS = (
    ('Cache-Control', 'no-cache'),
    ('Content-Security-Policy', _POLICY),
    ('X-Content-Type-Options', 'nosniff'),
    ('X-Frame-Options', 'DENY'),
    ('Referrer-Policy', 'no-referrer'),
    ('Cross-Origin-Opener-Policy', 'same-origin'),
)


class NoSwaggerUI(RequestError):
    """The page needs what is not installed."""

    status = 404
    type = 'ResourceNotFoundException'

    def __init__(self) -> None:
        super().__init__("GET /docs needs an optional dependency, and then a new start of the "
                         "server: pip install 'mxnet-model-server[docs]'. GET /openapi.json has "
                         'all that it shows.')


class DocsPage:
    """The endpoints of the page; they tell nothing of this server, and ask for no token."""

    def __init__(self) -> None:
        self._swagger_ui = _swagger_ui_folder()
        self._files: dict[str, StaticFile] = {}

    def routes(self) -> list[Route]:
        """The page, and the files that it takes."""
        if self._swagger_ui is None:
            return [Route(('GET',), '/docs', self._missing, scopes=OPEN, told=DOCS)]
        return [Route(('GET',), '/docs', partial(self._file, _OWN / _PAGE), scopes=OPEN,
                      told=DOCS),
                *(Route(('GET',), f'/docs/{path.name}', partial(self._file, path), scopes=OPEN,
                        told=PartOf('/docs'))
                  for path in (*(_OWN / name for name in _OWN_FILES),
                               *(self._swagger_ui / name for name in _SWAGGER_UI_FILES)))]

    def _file(self, path: Path, request: HTTPRequest) -> HTTPResponse:
        return self._read(path).response(request, _HEADERS)

    def _missing(self, request: HTTPRequest) -> HTTPResponse:
        if 'text/html' not in request.environ.get('HTTP_ACCEPT', ''):
            raise NoSwaggerUI
        return self._read(_OWN / _MISSING).response(request, _HEADERS, 404)

    def _read(self, path: Path) -> StaticFile:
        """A file, which is read when it is first asked for."""
        if path.name not in self._files:
            self._files[path.name] = in_thread(partial(_read, path))
        return self._files[path.name]


def _swagger_ui_folder() -> Optional[Path]:
    """Where Swagger UI is; nothing of the package is run."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / 'dist'


def _read(path: Path) -> StaticFile:
    file = StaticFile(path.read_bytes(), _TYPES[path.suffix])
    # Here, and not while others wait.
    assert file.compressed
    return file

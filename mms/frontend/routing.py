"""From a path and a method to the route that answers them."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence

from mms.frontend.access.scopes import union
from mms.frontend.exchange import NO_MATCH, HTTPRequest, HTTPResponse, Match, Route

PARAMETER = re.compile(r'<(\w+)>')
# The name of a model may have slashes; it is one that is served while the request comes.
MODEL = 'model'


class Table:
    """All routes.

    Parameters
    ----------
    routes
        Of several whose path could be meant, the first one counts; one without parameters counts
        before those that have some.
    models
        Names of the models that are served now.
    """

    def __init__(self, routes: Iterable[Route], models: Container[str]) -> None:
        self.routes = tuple(routes)
        self.models = models
        by_path: dict[str, list[Route]] = {}
        for route in self.routes:
            by_path.setdefault(route.path, []).append(route)
        resources = {path: _Resource(found) for path, found in by_path.items()}
        self._plain = {path: resource for path, resource in resources.items()
                       if not PARAMETER.search(path)}
        self._patterns = [(_pattern(path), resource) for path, resource in resources.items()
                          if path not in self._plain]

    def find(self, path: str, method: str) -> Match:
        """What there is for a path, decoded, and a method in capital letters."""
        resource = self._plain.get(path)
        if resource is not None:
            return resource.routes.get(method), {}, resource.allowed
        for pattern, resource in self._patterns:
            found = pattern.fullmatch(path)
            if found is not None:
                parameters = found.groupdict()
                if MODEL not in parameters or parameters[MODEL] in self.models:
                    return resource.routes.get(method), parameters, resource.allowed
        return NO_MATCH


class _Resource:
    """The routes of one path, by their methods."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = {method: route for route in reversed(routes) for method in route.methods}
        if 'GET' in self.routes:
            self.routes.setdefault('HEAD', self.routes['GET'])
        self.routes.setdefault('OPTIONS', Route(('OPTIONS',), routes[0].path, _options,
                                                scopes=union([route.scopes for route in routes])))
        self.allowed = tuple(sorted(self.routes))


def _options(request: HTTPRequest) -> HTTPResponse:
    response = HTTPResponse(200, 'text/html; charset=utf-8', (), 0)
    response.headers.append(('Allow', ', '.join(request.allowed)))
    return response


def _pattern(path: str) -> re.Pattern[str]:
    """Of the parts of a split path, every other one is the name of a parameter."""
    parts = PARAMETER.split(path)
    return re.compile(''.join(_group(part) if place % 2 else re.escape(part)
                              for place, part in enumerate(parts)), re.DOTALL)


def _group(name: str) -> str:
    return f'(?P<{name}>.+)' if name == MODEL else f'(?P<{name}>[^/]+)'

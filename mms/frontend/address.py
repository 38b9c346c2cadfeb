"""Where a server is: as part of a URL, and as a person can reach it."""

from __future__ import annotations

from urllib.parse import quote

# All addresses of a machine -> the one by which it reaches itself.
_LOOPBACK = {'0.0.0.0': '127.0.0.1', '': '127.0.0.1', '::': '::1'}


# Before the path of a Unix socket.
UNIX = 'unix:'


def host_and_port(host: str, port: int) -> str:
    """``HOST:PORT``, an IPv6 address in brackets; ``unix:PATH:`` as nginx has it."""
    if host.startswith(UNIX):
        return f'{host}:'
    return f'[{host}]:{port}' if ':' in host else f'{host}:{port}'


def reachable_url(host: str, port: int, scheme: str = 'http') -> str:
    """URL of a server that listens on `host`, from its own machine; ``unix:PATH`` of a socket."""
    if host.startswith(UNIX):
        return host
    return f'{scheme}://{host_and_port(_LOOPBACK.get(host, host), port)}'


def predict_path(name: str) -> str:
    """Path of a model's endpoint, percent-encoded."""
    return f"/{quote(name, safe='')}/predict"

"""Where a server is: as part of a URL, and as a person can reach it."""

from __future__ import annotations

from urllib.parse import quote

# All addresses of a machine -> the one by which it reaches itself.
_LOOPBACK = {'0.0.0.0': '127.0.0.1', '': '127.0.0.1', '::': '::1'}


def host_and_port(host: str, port: int) -> str:
    """``HOST:PORT``, an IPv6 address in brackets."""
    return f'[{host}]:{port}' if ':' in host else f'{host}:{port}'


def reachable_url(host: str, port: int, scheme: str = 'http') -> str:
    """URL of a server that listens on `host`, from its own machine."""
    return f'{scheme}://{host_and_port(_LOOPBACK.get(host, host), port)}'


def predict_path(name: str) -> str:
    """Path of a model's endpoint, percent-encoded."""
    return f"/{quote(name, safe='')}/predict"

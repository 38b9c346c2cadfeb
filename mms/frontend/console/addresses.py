"""Where the pages of a server are, for a browser that has one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from mms.frontend.address import UNIX

_EVERY_ADDRESS = ('0.0.0.0', '::', '')


def page_address(host: str, port: int, scheme: str) -> Optional[Mapping[str, Any]]:
    """What the URL of a listener's pages begins with, in parts; None where no browser gets there.

    The host is empty where the listener has every address of its machine: whoever has a page of the
    server knows one.
    """
    if host.startswith(UNIX) or not port:
        return None
    named = '' if host in _EVERY_ADDRESS else f'[{host}]' if ':' in host else host
    return {'scheme': scheme, 'host': named, 'port': port}

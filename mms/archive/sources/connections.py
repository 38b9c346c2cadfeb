"""Connections to web servers over which a :class:`Pace` watches from their first byte."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from mms.archive.sources.pace import Pace


class _Adapter(HTTPAdapter):
    """Makes watched connections, also to proxies."""

    def __init__(self, pools: dict[str, Any]) -> None:
        self._pools = pools
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """As in :class:`HTTPAdapter`."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        """As in :class:`HTTPAdapter`."""
        manager = super().proxy_manager_for(proxy, **options)
        if hasattr(manager, 'proxy') and not str(proxy).lower().startswith('socks'):
            manager.pool_classes_by_scheme = self._pools
        return manager


def _drop_body_of_redirect(response: requests.Response, **_options: Any) -> None:
    """`requests` would read it whole, and unpack it, however large it is."""
    if response.is_redirect:
        response.raw.close()


def watched_session(pace: Pace) -> requests.Session:
    """A session whose connections end when the download has taken too long."""

    class Watched:
        def _new_conn(self) -> Any:
            pace.check()
            connection = super()._new_conn()  # type: ignore[misc]
            pace.watch(connection)
            return connection

    class Plain(Watched, HTTPConnection):
        pass

    class Secure(Watched, HTTPSConnection):
        pass

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    session = requests.Session()
    session.max_redirects = 10
    session.hooks['response'].append(_drop_body_of_redirect)
    for scheme in ('http://', 'https://'):
        session.mount(scheme, _Adapter({'http': PlainPool, 'https': SecurePool}))
    return session

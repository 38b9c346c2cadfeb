"""``--tls-cert``: loaded before a port is taken, and followed while the server runs."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Optional

import gevent

from mms.bootstrap.parts import Parts
from mms.config.settings import Settings
from mms.errors import UsageError
from mms.event_loop.guard import GuardedLoop
from mms.event_loop.in_thread import in_thread
from mms.frontend.http.tls import TLS
from mms.frontend.http.tls_files import File, TLSFiles

# Nobody looks into a log more often, and nobody less often at one that is full of warnings.
_REMIND_S = 86_400.0


def load_tls(settings: Settings) -> Optional[TLS]:
    """The certificate; None where none is asked for.

    Raises
    ------
    UsageError
        Its files cannot be used, or others are given without it.
    """
    cert, key, client_ca = (_file(settings, name)
                            for name in ('tls_cert', 'tls_key', 'tls_client_ca'))
    if cert is None:
        for file in filter(None, (key, client_ca)):
            raise UsageError(f'{file} is given without the certificate of the server: give '
                             '--tls-cert FILE')
        return None
    files = TLSFiles(cert, key, client_ca)
    return in_thread(lambda: TLS(files))


def follow_tls(parts: Parts, tls: TLS, undo: ExitStack) -> None:
    """Read its files again when they change, or the server is told to; tell the log and Prometheus
    when it ends.
    """
    parts.read_again(tls.paths, tls.reload, undo)
    # They may have changed before they were looked at.
    in_thread(tls.reload)
    parts.exposition.watch_certificates(lambda: tls.ends)
    undo.callback(GuardedLoop('the end of the certificate', partial(_remind, tls)).kill)


def _remind(tls: TLS) -> None:
    gevent.sleep(_REMIND_S)
    tls.warn()


def _file(settings: Settings, name: str) -> Optional[File]:
    path: Optional[str] = getattr(settings, name)
    return None if path is None else File(settings.said(name), path)

"""The certificate that a server shows at the moment; it is read again while the server answers."""

from __future__ import annotations

import logging
import threading
import time

from mms.errors import UsageError
from mms.frontend.http.certificate_dates import Validity
from mms.frontend.http.tls_files import TLSFiles
from mms.frontend.http.tls_socket import TLSContext

logger = logging.getLogger(__name__)

# Whoever renews certificates by themselves has done so by then: with a third of their time left.
_WARN_S = 14 * 86_400
# Some are made for a few days.
_WARN_SHARE = 0.2


class TLS:
    """What handshakes need; any thread may read the files again.

    Parameters
    ----------
    files
        Where the certificate is.

    Raises
    ------
    UsageError
        They cannot be used.
    """

    def __init__(self, files: TLSFiles) -> None:
        self._files = files
        self._loaded = files.load()
        self._lock = threading.Lock()

    @property
    def context(self) -> TLSContext:
        """For the next handshake."""
        return self._loaded.context

    @property
    def ends(self) -> dict[str, float]:
        """Path of the certificate -> when the first of it and its chain ends, in seconds since
        1970.
        """
        return {self._files.cert.path: self._first_end.ends}

    @property
    def paths(self) -> list[str]:
        """Of its files."""
        return self._files.paths

    @property
    def files(self) -> TLSFiles:
        """Where the certificate is."""
        return self._files

    def read_again(self) -> str:
        """Read the files again, without a word; why they cannot be used, or nothing."""
        with self._lock:
            try:
                self._loaded = self._files.load()
            except UsageError as error:
                return str(error)
        return ''

    def reload(self) -> None:
        """Read the files again; where they cannot be used, all stays as it was."""
        reason = self.read_again()
        if reason:
            # Of files that are written one after the other, the last makes them whole.
            logger.warning('The certificate stays as it was until its files can be used: %s',
                           reason)
            return
        ca = self._files.client_ca
        clients = '' if ca is None else f' So was {ca.path}, against which clients are checked.'
        logger.info('The certificate of %s was read; new connections get it. It ends on %s.%s',
                    self._files.cert.path, _date(self._first_end.ends), clients)
        self.warn()

    def warn(self) -> None:
        """Log that clients refuse it, or soon will."""
        begins, ends = self._first_end
        now = time.time()
        path = self._files.cert.path
        if ends <= now:
            logger.warning('The certificate of %s has expired on %s: clients refuse it.', path,
                           _date(ends))
        elif begins > now:
            logger.warning('The certificate of %s counts from %s on: until then clients refuse it.',
                           path, _date(begins))
        elif ends - now < min(_WARN_S, _WARN_SHARE * (ends - begins)):
            logger.warning('The certificate of %s expires on %s: renew it.', path, _date(ends))

    @property
    def _first_end(self) -> Validity:
        return min(self._loaded.validities, key=lambda one: one.ends)


def _date(seconds: float) -> str:
    return time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime(seconds))

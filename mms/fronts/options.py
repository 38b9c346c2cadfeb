"""What a front is told at its start."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, cast

from mms.config.cors_origins import Origins
from mms.config.rate_limit import RateLimit
from mms.config.trusted_proxies import TrustedProxies
from mms.frontend.access.tokens import Token
from mms.frontend.http.limits import Limits
from mms.frontend.http.tls_files import TLSFiles
from mms.log.rotation import LogRotation


@dataclass(frozen=True)
class FrontOptions:
    """Options of the server, as far as a front needs them.

    Attributes
    ----------
    log_file, log_format, log_rotation, log_level, verbose, access_log_exclude, slow_request_s
        Of the log.
    cors_origins, forwarded_allow_ips, rate_limit, max_request_bytes, max_buffered_bytes
        As they are in the settings; of the last, never 0.
    limits
        Of a connection.
    tls
        Files of the certificate; None for plain HTTP.
    tokens
        That are taken; None where none is asked for.
    listeners
        Name -> what the WSGI environment says of it.
    models
        That are served.
    """

    log_file: str
    log_format: str
    log_rotation: LogRotation
    log_level: int
    verbose: bool
    access_log_exclude: Sequence[str]
    slow_request_s: float
    cors_origins: Origins
    forwarded_allow_ips: TrustedProxies
    rate_limit: Optional[RateLimit]
    max_request_bytes: int
    max_buffered_bytes: int
    limits: Limits
    tls: Optional[TLSFiles]
    tokens: Optional[Sequence[Token]]
    listeners: Mapping[str, Mapping[str, Any]]
    models: Sequence[str]

    @property
    def listed_tokens(self) -> Optional[list[Any]]:
        """The tokens, in plain values."""
        if self.tokens is None:
            return None
        return [[token.digest.hex(), [scope.value for scope in token.scopes], token.name]
                for token in self.tokens]

    def packed(self) -> bytes:
        """As it is sent to a process of this package that this process has started."""
        return pickle.dumps(self)

    @staticmethod
    def unpacked(data: bytes) -> FrontOptions:
        """What the process has sent that has started this one."""
        return cast(FrontOptions, pickle.loads(data))

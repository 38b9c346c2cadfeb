"""Who may ask, how much, and whose code runs as whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from mms.config.cors_origins import EVERY_ORIGIN, Origins
from mms.config.options import Group, option
from mms.config.rate_limit import RateLimit
from mms.config.values import names, number, origins, path, rate_limit, size, text, whole


@dataclass(frozen=True)
class SecurityOptions:
    """Who may ask, how much, and whose code runs as whom."""

    tls_cert: Optional[str] = option(
        '--tls-cert', path(), 'plain HTTP', Group.SECURITY, metavar='FILE', unset=None,
        help='PEM file of the certificate for TLS on every port, its chain behind it; read again '
             'when it changes',
        more='See [TLS](tls.md)')
    tls_key: Optional[str] = option(
        '--tls-key', path(), 'in the file of `--tls-cert`', Group.SECURITY, metavar='FILE',
        unset=None,
        help='PEM file of the private key of `--tls-cert`, not encrypted')
    tls_client_ca: Optional[str] = option(
        '--tls-client-ca', path(), 'clients need no certificate', Group.SECURITY, metavar='FILE',
        unset=None,
        help='PEM file of authorities: every client has to show a certificate that one of them '
             'has signed',
        more='See [certificates of clients](tls.md#certificates-of-clients)')
    auth_token_file: Optional[str] = option(
        '--auth-token-file', path(), 'nobody is asked', Group.SECURITY, metavar='FILE', unset=None,
        help='file of tokens, one on each line with what it is good for (`TOKEN '
             'predict,metrics,manage`); all requests but probes are asked for one',
        more='See [access](access.md)')
    cors_origins: Origins = option(
        '--cors-origins', origins(), '*', Group.SECURITY, metavar='ORIGINS', unset=EVERY_ORIGIN,
        help='pages that may ask and read answers in a browser: origins such as '
             '`https://example.com` with commas between them, `*` for all, or `none`',
        more='See [pages of browsers](access.md#pages-of-browsers)')
    max_connections: int = option(
        '--max-connections', whole(1, 10**6),
        'as many as descriptors allow, 10000 at most', Group.SECURITY, metavar='N', unset=0,
        help='most open connections of each port; beyond that the one that has been idle for '
             'longest is closed for a new one, which is answered 503 where all are in use',
        more='See [limits](limits.md#connections)')
    max_connections_per_client: int = option(
        '--max-connections-per-client', whole(0, 10**6), '0', Group.SECURITY, metavar='N',
        help='most open connections of one address, or one /64 of IPv6, on each port; more are '
             'answered 429; 0 for any number',
        more='Those of `--forwarded-allow-ips` may have more. See '
             '[limits](limits.md#connections)')
    rate_limit: Optional[RateLimit] = option(
        '--rate-limit', rate_limit(), 'none', Group.SECURITY, metavar='N/UNIT', unset=None,
        help='requests that one client may make in a second (`100/s`), a minute (`600/m`) or an '
             'hour (`5000/h`); more are answered 429',
        more='See [limits](limits.md#requests-of-one-client)')
    max_header_bytes: int = option(
        '--max-header-size', size(1024, 16 * 1024**2), '64K', Group.SECURITY, metavar='SIZE',
        help='largest head of a request, with the trailers of its body, in bytes or with K, M or '
             'G; a larger one is answered 431')
    max_headers: int = option(
        '--max-headers', whole(10, 10_000), '100', Group.SECURITY, metavar='N',
        help='most header lines of a request; more are answered 431')
    min_transfer_rate: int = option(
        '--min-transfer-rate', size(0), '1K', Group.SECURITY, metavar='SIZE',
        help='bytes a second, or with K, M or G, that a request body has to come with, and an '
             'answer to be taken with, in each 30 seconds; 0 for any',
        more='See [limits](limits.md#slow-clients)')
    worker_user: Optional[str] = option(
        '--worker-user', text(), 'that of the server', Group.SECURITY, metavar='USER', unset=None,
        help='user, or `USER:GROUP`, as whom the processes of models run, which have none of the '
             "server's rights and secrets then; names or numbers",
        more='The server has to be root. See [the user of the workers](worker_user.md)')
    worker_env: tuple[str, ...] = option(
        '--worker-env', names(), 'none', Group.SECURITY, metavar='NAMES', unset=(),
        help='environment variables that processes of models get although they may be secrets, '
             'with commas between them; `AWS_*` stands for all that begin like it',
        more='See [their environment](worker_user.md#the-environment)')
    require_signed: Optional[str] = option(
        '--require-signed', path(), 'none', Group.SECURITY, metavar='PUBKEYS', unset=None,
        help='PEM file of Ed25519 public keys: only archives are served that one of them has '
             'signed, wherever they come from',
        more='Read again on SIGHUP. See [signed archives](signed_archives.md)')
    max_download_bytes: int = option(
        '--max-download-size', size(), '16G', Group.SECURITY, metavar='SIZE',
        help='largest archive that is downloaded, in bytes or with K, M or G')
    download_timeout_s: float = option(
        '--download-timeout', number('seconds', 1.0, 86_400.0), '3600', Group.SECURITY,
        metavar='SECONDS',
        help='how long the download of an archive may take in all',
        more='One that brings less than 256 KB a minute ends sooner')

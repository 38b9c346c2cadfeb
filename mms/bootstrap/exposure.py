"""What a server says at its start where other machines reach it, and may ask or listen."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from ipaddress import ip_address

from mms.config.settings import Settings

logger = logging.getLogger(__name__)


def warn_of_exposure(hosts: Iterable[str], settings: Settings) -> None:
    """One line, where there is something to say.

    Parameters
    ----------
    hosts
        Addresses on which the models and the metrics are asked for.
    """
    beyond = sorted({host for host in hosts if not _is_local(host)})
    wanting = []
    # A client that has shown its certificate is somebody.
    if settings.auth_token_file is None and settings.tls_client_ca is None:
        wanting.append('asks nobody for a token (--auth-token-file)')
    if settings.tls_cert is None:
        wanting.append('encrypts nothing (--tls-cert)')
    if beyond and wanting:
        logger.warning('Other machines reach the server (%s), which %s, unless a proxy does so.',
                       ', '.join(beyond), ' and '.join(wanting))


def warn_of_open_management(host: str, asks_for_token: bool, settings: Settings) -> None:
    """One line, where other machines reach the management port and there is something to say.

    Parameters
    ----------
    host
        The address on which it listens.
    """
    if _is_local(host):
        return
    if not asks_for_token:
        logger.warning('Whoever reaches the management port changes the models: it listens on '
                       '%s, and asks for no token (--management-token none).', host)
    elif settings.tls_cert is None:
        logger.warning('Whoever is between sees the tokens of the management port: it listens on '
                       '%s, and encrypts nothing (--tls-cert), unless a proxy does so.', host)


def _is_local(host: str) -> bool:
    try:
        return ip_address(host.partition('%')[0]).is_loopback
    except ValueError:
        # A socket in a folder.
        return True

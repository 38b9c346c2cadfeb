"""Takes an address for a server, before it has anything to answer."""

from __future__ import annotations

import errno

from gevent import socket

from mms.errors import AddressError
from mms.runtime.reuse_port import share_port


def bind(host: str, port: int, said: str = '--host', reuse_port: bool = False) -> socket.socket:
    """Socket bound to an address, not yet listening: nobody is left waiting while models load.

    Parameters
    ----------
    said
        Where the host comes from, for messages.
    reuse_port
        Let others that do the same bind to the same port.

    Raises
    ------
    AddressError
        The port is taken, not allowed, or the host is not this machine's.
    """
    _check_name(host, said)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise AddressError(f'{said} {host} is not an address of this machine: '
                           f'{error.strerror}') from error
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        if reuse_port:
            share_port(sock)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise address_error(host, port, error, reuse_port) from error
    return sock


def _check_name(host: str, said: str) -> None:
    """As getaddrinfo does, over whose failure gevent would print a traceback."""
    try:
        host.encode('idna')
    except UnicodeError as error:
        raise AddressError(f'{said} {host} is not an address of this machine: '
                           'no name of a machine is like that') from error


def address_error(host: str, port: int, error: OSError, reuse_port: bool = False) -> AddressError:
    """What is told of a port that cannot be had."""
    if error.errno == errno.EADDRINUSE and reuse_port:
        return AddressError(f'port {port} on {host} is already in use by what was started without '
                            '--reuse-port, or by another user: stop it, or give another --port')
    if error.errno == errno.EADDRINUSE:
        return AddressError(f'port {port} on {host} is already in use: stop what listens '
                            'there, or give another --port')
    if error.errno == errno.EACCES:
        return AddressError(f'port {port} may not be used by this user: give a --port '
                            'from 1024 on')
    return AddressError(f'cannot listen on {host}, port {port} ({error.strerror or error}): '
                        'give another --host or --port')

"""How a server ends, and another takes over."""

from __future__ import annotations

from dataclasses import dataclass

from mms.config.options import Group, option
from mms.config.values import number, switch


@dataclass(frozen=True)
class LifeOptions:
    """How a server ends, and another takes over."""

    drain_delay_s: float = option(
        '--drain-delay', number('seconds', 0.0, 3600.0), '0', Group.LIFE, metavar='SECONDS',
        help='how long new connections are still taken after SIGTERM, while `/health/ready` says '
             'that the server goes',
        more='See [stopping](signals.md#stopping)')
    shutdown_timeout_s: float = option(
        '--shutdown-timeout', number('seconds', 1.0, 86_400.0), '25', Group.LIFE,
        metavar='SECONDS',
        help='how long the end may take from SIGTERM on; requests that take longer are answered '
             '503')
    reuse_port: bool = option(
        '--reuse-port', switch(), 'a busy port stops the start', Group.LIFE, unset=False,
        help='share the port with other servers that do so, which may take over from each other',
        more='See [takeover](signals.md#takeover)')

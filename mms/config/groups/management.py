"""What people look at, and the port on which models come and go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from mms.config.options import Group, option
from mms.config.values import off_switch, path, text, whole


@dataclass(frozen=True)
class ManagementOptions:
    """What people look at, and the port on which models come and go."""

    console: bool = option(
        '--no-console', off_switch(), 'a page at `/console`', Group.MANAGEMENT, unset=True,
        help='have no page for people, neither on the port nor on the management port',
        more='See [the console](console.md)')
    management_port: Optional[int] = option(
        '--management-port', whole(0, 65535), 'off', Group.MANAGEMENT, metavar='PORT', unset=None,
        help='TCP port on which models are loaded, replaced, scaled and removed while the server '
             'runs; 0 picks a free one',
        more='See [management](management.md)')
    management_host: str = option(
        '--management-host', text(empty='127.0.0.1'), '127.0.0.1', Group.MANAGEMENT,
        metavar='HOST',
        help='address on which the management port listens')
    management_token: Optional[str] = option(
        '--management-token', path(), 'made at each start', Group.MANAGEMENT, metavar='FILE',
        unset=None,
        help='file of the tokens that the management port takes, one on each line, or `none` for '
             'no token',
        more='See [the token](management.md#the-token)')
    model_store: Optional[str] = option(
        '--model-store', path(), 'none', Group.MANAGEMENT, metavar='DIR', unset=None,
        help='folder outside of which the management port loads nothing; a relative location is '
             'looked for there',
        more='See [what may be loaded](management.md#what-may-be-loaded)')

"""The token that a management port asks for: given, or left by a server on this machine."""

from __future__ import annotations

from typing import Optional

from mms.client.management_address import ManagementAddress
from mms.client.token_file import NO_TOKEN, token_in
from mms.runtime.token_file import read_token

_MANAGE = 'manage'


def find_token(file: Optional[str], address: ManagementAddress) -> Optional[str]:
    """The token to send.

    Parameters
    ----------
    file
        Where it was said to be, or ``none``; None where nothing was said.
    address
        Of the port. What a server has left on this machine is sent to no other one.

    Raises
    ------
    UsageError
        The file cannot be read, or has no token.
    """
    if file == NO_TOKEN:
        return None
    if file is None:
        return read_token(address.port) if address.is_here else None
    return token_in(file, _MANAGE)

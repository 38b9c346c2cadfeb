"""Why a request is refused for want of a token, as RFC 6750 has it."""

from __future__ import annotations

from mms.errors import RequestError
from mms.frontend.access.scopes import Scope, Scopes

_NO_TOKEN = ('This server asks for a token: send the header Authorization: Bearer TOKEN, or '
             'X-API-Key: TOKEN.')
_WRONG_TOKEN = 'The token of the request is none that this server takes.'


class AccessRefused(RequestError):
    """A request has no token that is good for it.

    Attributes
    ----------
    challenge
        The header ``WWW-Authenticate``.
    """

    challenge = ''


class Unauthorized(AccessRefused):
    """The request has no token, or a wrong one.

    Parameters
    ----------
    realm
        What asks for one.
    was_sent
        Whether it has a wrong one.
    message
        What to say instead of the usual where there is none.
    """

    status = 401
    type = 'UnauthorizedException'

    def __init__(self, realm: str, was_sent: bool, message: str = '') -> None:
        super().__init__(_WRONG_TOKEN if was_sent else message or _NO_TOKEN)
        error = ', error="invalid_token"' if was_sent else ''
        self.challenge = f'Bearer realm="{realm}"{error}'


class InsufficientScope(AccessRefused):
    """The token of the request is good for something else.

    Parameters
    ----------
    realm
        What asks for one.
    scopes
        Any of which is needed.
    """

    status = 403
    type = 'ForbiddenException'

    def __init__(self, realm: str, scopes: Scopes) -> None:
        # In one order.
        names = [scope.value for scope in Scope if scope in scopes]
        super().__init__(f"The token of the request has not the scope {' or '.join(names)}, which "
                         'this needs.')
        self.challenge = (f'Bearer realm="{realm}", error="insufficient_scope", '
                          f'scope="{names[0]}"')

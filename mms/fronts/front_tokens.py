"""The tokens that a front takes: the server tells it which they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from mms.frontend.access.scopes import Scope
from mms.frontend.access.tokens import Token, Tokens


class FrontTokens:
    """Those that were told last.

    Parameters
    ----------
    tokens
        Those at first.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = Tokens(tokens)

    def find(self, sent: str) -> Optional[Token]:
        """What is known of a token that was sent; None where it is not one of these."""
        return self._tokens.find(sent)

    def take(self, told: Sequence[Any]) -> None:
        """These are taken from now on, and no others."""
        self._tokens = Tokens([
            Token(bytes.fromhex(digest), frozenset(map(Scope, scopes)), name)
            for digest, scopes, name in told])

"""The answer to a request that is not what the protocol asks for."""

from __future__ import annotations

from typing import Any

from mms.errors import BadRequest

# Enough to recognise a name or a type by.
_SHOWN_CHARACTERS = 100


def wrong(message: str) -> BadRequest:
    """Error with a message of one line."""
    return BadRequest(message)


def shown(value: Any) -> str:
    """What a client has sent, as a message may hold it."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f'{text[:_SHOWN_CHARACTERS]}...'

"""The answer to a request that is not what the protocol asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mms.errors import BadRequest

# Enough to recognise a name or a type by.
_SHOWN_CHARACTERS = 100


def wrong(message: str) -> BadRequest:
    """Error with a message of one line."""
    return BadRequest(message)


def shown(value: Any) -> str:
    """What a client has sent, as a message may hold it; no more of it is looked at."""
    text = ''
    for piece in _written(value):
        text += piece
        if len(text) > _SHOWN_CHARACTERS:
            return f'{text[:_SHOWN_CHARACTERS]}...'
    return text


def _written(value: Any) -> Iterator[str]:
    """What ``repr`` makes of a value of JSON, piece by piece; of a long text the beginning."""
    if isinstance(value, dict):
        mark = '{'
        for key, each in value.items():
            yield mark
            yield from _written(key)
            yield ': '
            yield from _written(each)
            mark = ', '
        yield '}' if value else '{}'
    elif isinstance(value, list):
        mark = '['
        for each in value:
            yield mark
            yield from _written(each)
            mark = ', '
        yield ']' if value else '[]'
    else:
        yield repr(value[:_SHOWN_CHARACTERS + 1] if isinstance(value, str) else value)

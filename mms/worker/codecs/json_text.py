"""Values of JSON text, as :func:`json.loads` gives them, in bounded memory."""

from __future__ import annotations

import contextlib
import gc
import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from mms.archive.limits import DIGITS, whole_number
from mms.worker.codecs.json_scan import BYTES_A_BYTE, FREE_BYTES, PIECE_BYTES, Cut, scan
from mms.worker.codecs.nesting import is_too_deep

# Digits as 0, what continues a fraction as a point, all else as a space.
_BONES = bytes(ord('0') if chr(code).isdecimal() else ord('.') if chr(code) in '.' else ord(' ')
               for code in range(256))
_LONG_INTEGER = b' ' + b'0' * 19
# Apostrophes, names, prefixes of texts, tuples, comments.
_OF_LITERALS = re.compile(r'''['(#]|None\b|True\b|False\b|[rRbBuU]{1,2}['"]''')


class NotJson(ValueError):
    """The reason.

    Attributes
    ----------
    may_be_literal
        Whether what cannot be read is something that Python literals have.
    """

    def __init__(self, reason: str, may_be_literal: bool = False) -> None:
        super().__init__(reason)
        self.may_be_literal = may_be_literal


class NestedTooDeeply(Exception):
    """The text has more levels of lists and dicts than any value needs."""


class TakesTooMuch(Exception):
    """The text is small beside the memory that its values would take."""


def parse_json(data: bytes) -> Any:
    """Value of JSON text in UTF-8, the same as that of :func:`json.loads`.

    Bytes that are no UTF-8 are read as replacement characters.

    Raises
    ------
    NotJson
        It is none, or has an integer of more than 4,300 digits.
    NestedTooDeeply
    TakesTooMuch
    """
    with without_collector():
        if len(data) > PIECE_BYTES:
            return _parse_in_pieces(data)
        if is_too_deep(data):
            raise NestedTooDeeply
        return _value(data, 0)


def check_cost(cost_bytes: int, data: bytes) -> None:
    """See that what a text becomes does not take too much.

    Raises
    ------
    TakesTooMuch
    """
    if cost_bytes > BYTES_A_BYTE * len(data) + FREE_BYTES:
        raise TakesTooMuch


def has_long_integer(data: bytes) -> bool:
    """Whether there may be an integer that 64 bits cannot hold, of which orjson makes a float."""
    bones = data.translate(_BONES)
    return _LONG_INTEGER in bones or bones.startswith(_LONG_INTEGER[1:])


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Python's search for cycles, which looks at all of a million new lists ten times, is off."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _value(data: bytes, offset: int) -> Any:
    """Value of a piece of the text, and where that begins in it."""
    if not has_long_integer(data):
        # Not JSON, or a number, a text or a depth that is beyond orjson.
        with contextlib.suppress(ValueError):
            return orjson.loads(data)
    text = data.decode('utf-8', 'replace')
    try:
        return json.loads(text, parse_int=whole_number)
    except json.JSONDecodeError as error:
        reason, place = error.msg if offset else str(error), error.pos
    except ValueError:
        raise NotJson(f'an integer has more than {DIGITS} digits') from None
    if offset:
        reason += f': byte {len(text[:place].encode()) + offset}'
    raise NotJson(reason, _OF_LITERALS.match(text, place) is not None)


def _parse_in_pieces(data: bytes) -> Any:
    """What is parsed at once takes three times as much as what comes out of it."""
    found = scan(data)
    if found.is_too_deep:
        raise NestedTooDeeply
    check_cost(found.cost_bytes, data)
    whole: Any = None
    start = Cut(0, 0)
    for end in (*found.cuts, Cut(len(data), 0)):
        text = data[start.end:end.end - 1] if end.depth else data[start.end:]
        piece = _value(b'[' * start.depth + text + b']' * end.depth, start.end - start.depth)
        whole = _joined(whole, piece, start.depth) if start.depth else piece
        start = end
    return whole


def _joined(whole: Any, piece: Any, depth: int) -> Any:
    """`whole`, whose last list of this depth goes on with the first one of `piece`."""
    last, first = whole, piece
    outer = []
    for _ in range(depth - 1):
        outer.append((last, first))
        last, first = last[-1], first[0]
    if not last or not first:
        raise NotJson('a comma has no value beside it')
    last.extend(first)
    for last, first in outer:
        last.extend(first[1:])
    return whole

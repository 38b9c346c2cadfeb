"""Values of Python literals, as :func:`ast.literal_eval` gives them, in time and memory that grow
with the text.

What Python's own parser makes of a literal of a megabyte takes half a gigabyte. One whose texts are
in apostrophes and need no escapes but JSON's becomes JSON by exchanging the two kinds of quotes;
the others are read token by token, up to a number of tokens.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any, Optional

from mms.worker.codecs.json_text import NotJson, parse_json, without_collector
from mms.worker.codecs.literal_builder import Builder

_EXCHANGED = bytes.maketrans(b'\'"', b'"\'')
# Not the E of 1E5.
_NAME = re.compile(rb'(?<![0-9.])[A-Za-z_\x80-\xff]+')
_IN_JSON = {b'True': b'true', b'False': b'false', b'None': b'null'}
_OTHER_ESCAPE = re.compile(rb'\\[^nrtbf]')
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalpha() and chr(code) != '_')
_WINDOW_BYTES = 1 << 16


def parse_literal(data: bytes) -> Any:
    """Value of a Python literal in UTF-8.

    Texts, bytes, numbers, True, False, None, and lists, tuples, dicts and sets of such; with
    comments. Neither the sum that makes a complex number nor a sign before parentheses.

    Raises
    ------
    NoLiteral
        It is none, or has more parts than are read one by one.
    NestedTooDeeply
    TakesTooMuch
    """
    data = data.strip()
    as_json = _as_json(data)
    if as_json is not None:
        with contextlib.suppress(NotJson):
            return parse_json(as_json)
        del as_json
    with without_collector():
        return Builder(data).value()


def _as_json(data: bytes) -> Optional[bytes]:
    """JSON that says the same; None where that takes more than to exchange quotes and names."""
    if b"'" not in data or b'"' in data:
        return None
    if b'\\' in data and _OTHER_ESCAPE.search(data.replace(b'\\\\', b'')):
        return None
    pieces = []
    start, is_inside = 0, False
    while start < len(data):
        end = data.rfind(b',', start, start + _WINDOW_BYTES) + 1 or start + _WINDOW_BYTES
        piece = data[start:end]
        parts = piece.split(b"'")
        between = parts[is_inside::2]
        joined = b"'".join(between)
        if between and joined.translate(None, _NO_LETTERS):
            renamed = _renamed(joined)
            if renamed is None:
                return None
            parts[is_inside::2] = renamed.split(b"'")
            piece = b"'".join(parts)
        pieces.append(piece)
        is_inside ^= len(parts) % 2 == 0
        start = end
    return b''.join(pieces).translate(_EXCHANGED)


def _renamed(data: bytes) -> Optional[bytes]:
    """What is between texts, with JSON's names; None where it has another one."""
    names = set(_NAME.findall(data))
    if not names <= _IN_JSON.keys():
        return None
    for name in names:
        data = data.replace(name, _IN_JSON[name])
    return data

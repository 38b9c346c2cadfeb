"""Bytes that a form field holds in base64."""

from __future__ import annotations

import base64

# A '+' that a client forgot to escape in a urlencoded form arrives as a space.
_PLUS = bytes.maketrans(b' ', b'+')
_LINE_ENDS = b'\t\n\r\x0b\x0c'


def bytes_of(text: bytes) -> bytes:
    """What a text in base64, or a ``data:`` URL of such, says.

    Raises
    ------
    ValueError
        It is no base64.
    """
    start = text.find(b'base64,')
    if start >= 0:
        text = text[start + len(b'base64,'):]
    return base64.b64decode(text.strip().translate(_PLUS, _LINE_ENDS), validate=True)

"""How the bytes of a picture begin."""

from __future__ import annotations

from mms.messages import Body

PNG = b'\x89PNG\r\n\x1a\n'
_STARTS = (b'\xff\xd8\xff', PNG, b'BM')


def starts_as_picture(data: Body) -> bool:
    """Whether `data` begins as a JPEG, a PNG or a BMP does."""
    return data.startswith(_STARTS)

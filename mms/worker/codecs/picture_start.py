"""How the bytes of a picture begin."""

from __future__ import annotations

from mms.ipc.request import Body
from mms.pictures.precheck import STARTS


def starts_as_picture(data: Body) -> bool:
    """Whether `data` begins as a JPEG, a PNG or a BMP does."""
    return data.startswith(STARTS)

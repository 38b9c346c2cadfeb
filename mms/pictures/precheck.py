"""Look at a picture of any kind before it is decoded."""

from __future__ import annotations

from typing import Optional

from mms.pictures import bmp, jpeg, png
from mms.pictures.faults import Unreadable

# In the order in which MXNet's decoder tries them.
_KINDS = ((jpeg.START, jpeg.check), (png.START, png.check), (bmp.START, bmp.check))
STARTS = tuple(start for start, _ in _KINDS)


def check(data: bytes, max_pixels: Optional[int] = None) -> None:
    """See that MXNet decodes a picture, or says that it cannot, in time and memory for its size.

    Parameters
    ----------
    data
        The encoded picture.
    max_pixels
        Largest width times height allowed; None for what the decoder takes.

    Raises
    ------
    PictureFault
    """
    for start, check_kind in _KINDS:
        if data.startswith(start):
            check_kind(data, max_pixels)
            return
    raise Unreadable('it is no JPEG, PNG or BMP')

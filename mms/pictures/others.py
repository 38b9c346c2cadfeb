"""Pictures that MXNet does not decode, and a service may: how large they are, by their heads.

Pillow decodes, or copies again and again, what some of these hold before it tells how large it is.
"""

from __future__ import annotations

import struct

from mms.pictures import ico, tiff, webp
from mms.pictures.faults import TooManyPixels, Unreadable


def check(data: bytes, max_pixels: int) -> bool:
    """See that a TIFF, a WebP or an icon has no more pixels than are allowed.

    Returns
    -------
    bool
        Whether it is one of these.

    Raises
    ------
    PictureFault
    """
    if data.startswith(tiff.STARTS):
        sizes = tiff.sizes_of(data)
    elif data.startswith(webp.START) and data[8:12] == webp.KIND:
        sizes = webp.sizes_of(data)
    elif data.startswith(ico.START):
        sizes = ico.sizes_of(data)
    else:
        return False
    try:
        width, height = max(sizes, key=lambda size: size[0] * size[1])
    except struct.error:
        raise Unreadable('its head is cut off') from None
    if width <= 0 or height <= 0:
        raise Unreadable(f'a picture of {width} x {height} pixels')
    if width * height > max_pixels:
        raise TooManyPixels(width, height)
    return True

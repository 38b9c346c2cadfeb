"""The picture that every contender is asked about."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

KITTEN = Path(__file__).resolve().parent.parent / 'examples' / 'kitten.jpg'
SIDE_PX = 400
# About 20 KB, what a phone's browser uploads after scaling.
QUALITY = 85


def kitten_jpeg() -> bytes:
    """Return the middle square of the kitten as a JPEG of 400x400 pixels."""
    with Image.open(KITTEN) as whole:
        picture = whole.convert('RGB')
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.crop((left, top, left + side, top + side))
    stream = io.BytesIO()
    square.resize((SIDE_PX, SIDE_PX), Image.BICUBIC).save(stream, 'JPEG', quality=QUALITY)
    return stream.getvalue()

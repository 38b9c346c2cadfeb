"""The pictures that every contender is asked about."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

KITTEN = Path(__file__).resolve().parent.parent / 'examples' / 'kitten.jpg'
SIDE_PX = 400
# About 20 KB, what a phone's browser uploads after scaling.
QUALITY = 85
# Width and height, all of about as many pixels: what decoding costs does not depend on the turn.
SIZES_PX = ((400, 400), (462, 346), (346, 462), (490, 327), (327, 490), (534, 300))
OTHERS = 11


def kitten_jpeg() -> bytes:
    """Return the middle square of the kitten as a JPEG of 400x400 pixels."""
    picture = _kitten()
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.crop((left, top, left + side, top + side))
    return _jpeg(square.resize((SIDE_PX, SIDE_PX), Image.BICUBIC), QUALITY)


def other_jpegs() -> list[bytes]:
    """Return eleven more pictures, always the same: other parts of the kitten, in other light.

    Each has a size, a part, a brightness and a quality of its own: 15 to 45 KB.
    """
    return [_other(number) for number in range(OTHERS)]


def _other(number: int) -> bytes:
    size = SIZES_PX[number % len(SIZES_PX)]
    picture = _kitten()
    # From the whole to its middle half, off the middle by turns.
    share = 1 - 0.045 * number
    box = (share * picture.width, share * picture.height)
    left = (picture.width - box[0]) * (number % 3) / 2
    top = (picture.height - box[1]) * (number % 2)
    part = picture.crop((int(left), int(top), int(left + box[0]), int(top + box[1])))
    if number % 2:
        part = ImageOps.mirror(part)
    lit = ImageEnhance.Color(ImageEnhance.Brightness(part).enhance(0.7 + 0.06 * number))
    return _jpeg(ImageOps.fit(lit.enhance(1.6 - 0.12 * number), size, Image.BICUBIC),
                 QUALITY - 5 + number)


def _kitten() -> Image.Image:
    with Image.open(KITTEN) as whole:
        return whole.convert('RGB')


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, 'JPEG', quality=quality)
    return stream.getvalue()

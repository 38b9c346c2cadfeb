"""Pictures as a person has them, as the bytes of a file.

Neither NumPy nor Pillow is imported before a value asks for it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from mms.client.predictions.errors import WrongUse

_CHANNELS = (1, 3, 4)
_PLAIN_MODES = ('L', 'RGB')
# How a file begins -> its type.
_BEGINNINGS: Mapping[bytes, str] = {
    b'\xff\xd8': 'image/jpeg', b'\x89PNG\r\n\x1a\n': 'image/png', b'BM': 'image/bmp'}
_UNKNOWN = 'application/octet-stream'


def type_of(content: bytes) -> str:
    """The media type of a picture's bytes."""
    return next((kind for start, kind in _BEGINNINGS.items() if content.startswith(start)),
                _UNKNOWN)


def is_pillow(value: Any) -> bool:
    """Whether it is a picture of Pillow; without an import of it."""
    return hasattr(value, 'mode') and hasattr(value, 'convert') and hasattr(value, 'save')


def pillow_png(picture: Any) -> bytes:
    """A picture of Pillow as PNG, grey or RGB, which loses nothing of its pixels.

    Raises
    ------
    WrongUse
        Its file is broken: Pillow reads it when it is first used.
    """
    file = io.BytesIO()
    try:
        plain = picture if picture.mode in _PLAIN_MODES else picture.convert('RGB')
        # To compress more takes longer than it gains.
        plain.save(file, 'PNG', compress_level=1)
    except (OSError, ValueError, SyntaxError) as error:
        raise WrongUse(f'the picture of Pillow cannot be written as PNG: {error}') from error
    return file.getvalue()


def array_png(array: Any, name: str) -> bytes:
    """Pixels of the shape height x width, or height x width x channels, as PNG.

    Parameters
    ----------
    array
        Of NumPy, ``uint8``.
    name
        Of the input, for messages.

    Raises
    ------
    WrongUse
        It is no such array, or Pillow is not installed.
    """
    shape = tuple(array.shape)
    if str(array.dtype) != 'uint8':
        raise WrongUse(f'the array for {name} is of the type {array.dtype}: pixels are uint8, '
                       'from 0 to 255')
    if len(shape) not in (2, 3) or 0 in shape or (len(shape) == 3 and shape[2] not in _CHANNELS):
        raise WrongUse(f'the array for {name} has the shape {shape}: a picture is height x width, '
                       'or height x width x 3; several go to predict_many')
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise WrongUse('an array is sent as PNG, which needs Pillow: pip install pillow') from error
    return pillow_png(Image.fromarray(array[:, :, 0] if shape[2:] == (1,) else array))

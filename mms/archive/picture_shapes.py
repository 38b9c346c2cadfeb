"""Whether a picture can have the shape that a signature gives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mms.archive.signature import IMAGE_TYPE, PREPROCESS, input_types
from mms.errors import SignatureError

_DIMENSIONS = 4
# Of RGB, and any; of grey where the signature says what becomes of the values.
_CHANNELS = (3, 0)
_GREY = 1


def check_picture_shapes(signature: Mapping[str, Any], where: str,
                         any_channels: bool = False) -> None:
    """See that the built-in `_preprocess` can make an array of each picture.

    Parameters
    ----------
    signature
        A valid one.
    where
        What to call its file in messages.
    any_channels
        Whether the second length is left to an `_inference` that does not compare it.

    Raises
    ------
    SignatureError
    """
    channels = (*_CHANNELS, _GREY) if PREPROCESS in signature else _CHANNELS
    for entry, kind in zip(signature['inputs'], input_types(signature)):
        shape = entry['data_shape']
        if kind == IMAGE_TYPE and (len(shape) != _DIMENSIONS
                                   or (not any_channels and shape[1] not in channels)):
            raise SignatureError(
                f"{where}: the data_shape of {entry['data_name']!r} is {shape}; a picture arrives "
                'as [batch, 3, height, width], like [0, 3, 224, 224]: put it so, or write a '
                '_preprocess in a service file')

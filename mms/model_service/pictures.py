"""Pictures as arrays of the size that a signature asks for."""

from __future__ import annotations

from typing import Any

from mms.utils.mxnet import image


def read_resized(picture: Any, shape: list[int], interp: int = 2) -> Any:
    """Decode `picture` and resize it to the height and width of the NCHW `shape`.

    `interp` is as in :func:`mms.utils.mxnet.image.resize`.

    Returns
    -------
    mxnet.nd.NDArray
        uint8, shape (height, width, 3).

    Raises
    ------
    BadRequest
        The bytes are no picture.
    """
    pixels = image.read(picture)
    height, width = shape[2:]
    return image.resize(pixels, width or pixels.shape[1], height or pixels.shape[0], interp)

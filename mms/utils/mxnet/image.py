"""Pictures as NDArrays: read, resize, crop, normalize, write."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any, Optional

from PIL import Image

from mms.errors import BadRequest
from mms.mxnet_compat import mxnet as mx
from mms.pictures.guard import guard

guard()


def read(buf: Any, flag: int = 1, to_rgb: bool = True, out: Any = None) -> Any:
    """Decode a picture.

    Parameters
    ----------
    buf
        The encoded picture: bytes, bytearray, or a uint8 array of them.
    flag
        1 for three colour channels, 0 for one channel of grey.
    to_rgb
        Channels in the order RGB; else BGR.
    out
        An NDArray to decode into.

    Returns
    -------
    mxnet.nd.NDArray
        uint8, shape (height, width, channels).

    Raises
    ------
    BadRequest
        The bytes are no picture that can be decoded.
    """
    # OpenCV aborts the whole process on a buffer of no bytes.
    if len(buf) == 0:
        raise BadRequest('The picture is empty: 0 bytes were sent.')
    try:
        return mx.image.imdecode(buf, flag=flag, to_rgb=to_rgb, out=out)
    except mx.base.MXNetError as error:
        raise BadRequest(f'The {len(buf)} bytes sent are no picture that can be decoded.') \
            from error


def write(img_arr: Any, flag: int = 1, format: str = 'jpeg', dim_order: str = 'CHW') -> str:
    """Encode a picture as base64 text.

    Parameters
    ----------
    img_arr
        NDArray, values 0 to 255; shape (channels, height, width) or, when
        `dim_order` is ``'HWC'``, (height, width, channels).
    flag
        1 for an RGB picture, 0 for a grey one of one channel.
    format
        Any format that Pillow writes.
    """
    assert dim_order in ('CHW', 'HWC'), f'dim_order {dim_order!r} is neither CHW nor HWC'
    if dim_order == 'CHW':
        img_arr = mx.nd.transpose(img_arr, (1, 2, 0))
    pixels = img_arr.astype('uint8').asnumpy()
    if flag != 1:
        pixels = pixels.reshape(pixels.shape[:2])
    encoded = BytesIO()
    Image.fromarray(pixels).save(encoded, format=format)
    return base64.b64encode(encoded.getvalue()).decode('ascii')


def resize(src: Any, new_width: int, new_height: int, interp: int = 2) -> Any:
    """Resize a picture of shape (height, width, channels).

    `interp` is MXNet's: 0 nearest, 1 bilinear, 2 area, 3 bicubic, 4 Lanczos,
    9 and 10 choose among them.
    """
    return mx.image.imresize(src, new_width, new_height, interp)


def transform_shape(img_arr: Any, dim_order: str = 'NCHW') -> Any:
    """A picture of shape (height, width, channels) as a batch of one.

    Returns
    -------
    mxnet.nd.NDArray
        Shape (1, channels, height, width), or (1, height, width, channels) when
        `dim_order` is ``'NHWC'``.
    """
    assert dim_order in ('NCHW', 'NHWC'), f'dim_order {dim_order!r} is neither NCHW nor NHWC'
    if dim_order == 'NCHW':
        img_arr = mx.nd.transpose(img_arr, (2, 0, 1))
    return mx.nd.expand_dims(img_arr, axis=0)


def fixed_crop(src: Any, x0: int, y0: int, w: int, h: int,
               size: Optional[tuple[int, int]] = None, interp: int = 2) -> Any:
    """Cut `w` times `h` pixels at (`x0`, `y0`); resize them to `size` (w, h) if given."""
    return mx.image.fixed_crop(src, x0, y0, w, h, size, interp)


def color_normalize(src: Any, mean: Any, std: Any = None) -> Any:
    """``(src - mean) / std`` in float32; `mean` and `std` are NDArrays, one value a channel."""
    return mx.image.color_normalize(src.astype('float32'), mean, std)

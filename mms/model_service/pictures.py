"""Pictures as the arrays that a signature asks for."""

from __future__ import annotations

from typing import Any, Optional

from mms.archive.signature import AS_IS, IMAGENET
from mms.mxnet_compat import mxnet as mx
from mms.utils.mxnet import image

# Of the RGB channels of ImageNet's pictures, scaled to 0..1: what Gluon's model
# zoo was trained with (mxnet.gluon.model_zoo.vision).
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# Ways of MXNet to resize: what mx.image.imresize and Gluon's transforms do when they are not told,
# and what MMS has always done.
_BILINEAR, _AREA = 1, 2
_GREY, _COLOUR = 0, 1


def picture_array(picture: Any, shape: list[int], preprocess: Optional[str]) -> Any:
    """Decode `picture`, resize it, and prepare its values.

    Parameters
    ----------
    picture
        The encoded picture.
    shape
        NCHW; a height or width of 0 keeps the picture's own. One channel is grey, if there is a
        `preprocess`.
    preprocess
        What becomes of the values, as a signature says it: ``'none'``, ``'0-1'`` or
        ``'imagenet'``; None is ``'none'`` in three channels.

    Returns
    -------
    mxnet.nd.NDArray
        Shape (1, channels, height, width). As they are, the values are uint8; else float32.

    Raises
    ------
    BadRequest
        The bytes are no picture.
    """
    is_grey = preprocess is not None and shape[1:2] == [1]
    as_is = preprocess in (None, AS_IS)
    pixels = _read_resized(picture, shape, _AREA if as_is else _BILINEAR,
                           _GREY if is_grey else _COLOUR)
    if not as_is:
        pixels = pixels.astype('float32') / 255
    if preprocess == IMAGENET:
        pixels = image.color_normalize(pixels, mean=mx.nd.array(IMAGENET_MEAN),
                                       std=mx.nd.array(IMAGENET_STD))
    return image.transform_shape(pixels)


def _read_resized(picture: Any, shape: list[int], interp: int, flag: int) -> Any:
    pixels = image.read(picture, flag=flag)
    height, width = shape[2:]
    return image.resize(pixels, width or pixels.shape[1], height or pixels.shape[0], interp)

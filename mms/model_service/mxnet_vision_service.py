"""The built-in service of picture classifiers."""

from __future__ import annotations

from typing import Any

from mms.model_service.labelled import top_classes
from mms.model_service.mxnet_model_service import MXNetBaseService
from mms.utils.mxnet import image


class MXNetVisionService(MXNetBaseService):
    """Pictures in; the five most probable classes of each output out.

    A picture is resized to the height and width of its input's shape (NCHW; a 0
    keeps the picture's own) and goes to the network with values 0 to 255. With an
    ``output_format``, the outputs themselves are the answer.
    """

    def _preprocess(self, data: Any) -> list[Any]:
        return [image.transform_shape(read_resized(picture, entry['data_shape']))
                for picture, entry in zip(data, self.signature['inputs'])]

    def _postprocess(self, data: Any) -> Any:
        return super()._postprocess(data) if self.output_format else top_classes(self, data)


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

"""The built-in service of Gluon picture classifiers trained on ImageNet."""

from __future__ import annotations

from typing import Any, Union

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.model_service.labelled import top_classes
from mms.model_service.mxnet_model_service import GluonImperativeBaseService
from mms.model_service.output_format import formatted
from mms.model_service.pictures import read_resized
from mms.mxnet_compat import mxnet as mx
from mms.utils.mxnet import image

# Of the RGB channels of ImageNet's pictures, scaled to 0..1: what Gluon's model
# zoo was trained with (mxnet.gluon.model_zoo.vision).
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# What mx.image.imresize does when it is not told.
_BILINEAR = 1


class GluonVisionService(GluonImperativeBaseService):
    """Pictures in; the five most probable classes out.

    A picture is resized to its input's shape (NCHW), scaled to 0..1 and
    normalized with ImageNet's mean and standard deviation; the network's output
    goes through a softmax. With an ``output_format``, that is the answer.
    """

    def _preprocess(self, data: list[Any]) -> list[mx.nd.NDArray]:
        """One NDArray an input; of a picture float32, normalized, (1, 3, height, width)."""
        return [_normalized(read_resized(value, entry['data_shape'], _BILINEAR))
                if kind == IMAGE_TYPE else self._tensor(value, entry['data_name'])
                for value, entry, kind in zip(data, self.signature['inputs'],
                                              input_types(self.signature))]

    def _inference(self, data: list[mx.nd.NDArray]) -> Union[mx.nd.NDArray, list[mx.nd.NDArray]]:
        """The softmax of the network's output; a list if it has several."""
        super()._inference(data)
        outputs = [output.softmax() for output in self._forward_net(data)]
        return outputs[0] if len(outputs) == 1 else outputs

    def _postprocess(self, data: Any) -> Any:
        """The five most probable classes of each output, a list for each."""
        if self.output_format is None:
            return top_classes(self, data)
        return formatted(data, self.output_format)


def _normalized(pixels: Any) -> Any:
    scaled = pixels.astype('float32') / 255
    return image.transform_shape(image.color_normalize(
        scaled, mean=mx.nd.array(IMAGENET_MEAN), std=mx.nd.array(IMAGENET_STD)))

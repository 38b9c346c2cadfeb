"""The built-in service of Gluon picture classifiers trained on ImageNet."""

from __future__ import annotations

from typing import Any, Union

from mms.archive.signature import IMAGE_TYPE, IMAGENET, PREPROCESS, input_types
from mms.model_service.hook_marks import gives_outputs, takes_arrays
from mms.model_service.labelled import top_classes
from mms.model_service.mxnet_model_service import GluonImperativeBaseService
from mms.model_service.output_format import formatted
from mms.model_service.pictures import IMAGENET_MEAN, IMAGENET_STD, picture_array
from mms.mxnet_compat import mxnet as mx

__all__ = ['IMAGENET_MEAN', 'IMAGENET_STD', 'GluonVisionService']


class GluonVisionService(GluonImperativeBaseService):
    """Pictures in; the five most probable classes out.

    A picture is resized to its input's shape (NCHW), scaled to 0..1 and
    normalized with ImageNet's mean and standard deviation, unless the signature has
    another ``preprocess``; the network's output goes through a softmax. With an
    ``output_format``, that is the answer.
    """

    @takes_arrays
    def _preprocess(self, data: list[Any]) -> list[mx.nd.NDArray]:
        """One NDArray an input; of a picture float32, normalized, (1, 3, height, width)."""
        preprocess = self.signature.get(PREPROCESS, IMAGENET)
        return [picture_array(value, entry['data_shape'], preprocess)
                if kind == IMAGE_TYPE else self._tensor(value, entry['data_name'])
                for value, entry, kind in zip(data, self.signature['inputs'],
                                              input_types(self.signature))]

    def _inference(self, data: list[mx.nd.NDArray]) -> Union[mx.nd.NDArray, list[mx.nd.NDArray]]:
        """The softmax of the network's output; a list if it has several."""
        super()._inference(data)
        outputs = [output.softmax() for output in self._forward_net(data)]
        return outputs[0] if len(outputs) == 1 else outputs

    @gives_outputs
    def _postprocess(self, data: Any) -> Any:
        """The five most probable classes of each output, a list for each."""
        if self.output_format is None:
            return top_classes(self, data)
        return formatted(data, self.output_format)

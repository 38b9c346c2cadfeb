"""The built-in service of picture classifiers."""

from __future__ import annotations

from typing import Any

from mms.model_service.hook_marks import gives_outputs
from mms.model_service.labelled import top_classes
from mms.model_service.mxnet_model_service import MXNetBaseService
from mms.mxnet_compat import mxnet as mx


class MXNetVisionService(MXNetBaseService):
    """Pictures in; the five most probable classes of each output out.

    A picture is resized to the height and width of its input's shape (NCHW; a 0
    keeps the picture's own) and goes to the network with values 0 to 255, or as the
    signature's ``preprocess`` says. With an ``output_format``, the outputs themselves are
    the answer.
    """

    @gives_outputs
    def _postprocess(self, data: list[mx.nd.NDArray]) -> Any:
        """The five most probable classes of each output, a list for each."""
        return super()._postprocess(data) if self.output_format else top_classes(self, data)

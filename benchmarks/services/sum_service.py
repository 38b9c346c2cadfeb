"""Answers a tensor of any size with one number, so that only the request is large."""

import mxnet

from mms.model_service.mxnet_model_service import MXNetBaseService


class SumService(MXNetBaseService):
    """The sum of a matrix."""

    def _preprocess(self, data):
        return [mxnet.nd.array(data[0])]

    def _inference(self, data):
        return data[0].sum()

    def _postprocess(self, data):
        return [float(data.asscalar())]

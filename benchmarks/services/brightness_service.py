"""Answers a picture with how bright it is."""

from mms.model_service.mxnet_vision_service import MXNetVisionService


class BrightnessService(MXNetVisionService):
    """The mean of all values, and the size."""

    def _inference(self, data):
        return data[0]

    def _postprocess(self, data):
        return [float(data.asnumpy().mean()), list(data.shape)]

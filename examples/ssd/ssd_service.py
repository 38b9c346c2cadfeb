"""The service of the detector: boxes in the pixels of the picture that was sent."""

from mms.model_service.mxnet_vision_service import MXNetVisionService
from mms.utils.mxnet import image

LEAST_SCORE = 0.2


class SSDService(MXNetVisionService):
    """A picture in; ``[class, score, x, y, width, height]`` of each object out, best first.

    The network sees the picture resized and says where things are in parts of its sides, so
    the picture's size is kept on ``self`` until the boxes are known.
    """

    def _preprocess(self, data):
        pixels = image.read(data[0])
        self.height, self.width = pixels.shape[:2]
        side = self.signature['inputs'][0]['data_shape'][2:]
        return [image.transform_shape(image.resize(pixels, side[1], side[0]))]

    def _postprocess(self, data):
        found = data[0].asnumpy()[0]
        likely = found[(found[:, 0] >= 0) & (found[:, 1] >= LEAST_SCORE)]
        answers = [self._answer(*row) for row in likely[(-likely[:, 1]).argsort(kind='stable')]]
        # Of a picture of a few pixels, most boxes are less than one.
        return [answer for answer in answers if answer[-2] and answer[-1]]

    def _answer(self, label, score, *corners):
        left, top, right, bottom = (min(max(corner, 0), 1) for corner in corners)
        x, y = round(left * self.width), round(top * self.height)
        return [self.labels[int(label)], round(float(score), 4), x, y,
                round(right * self.width) - x, round(bottom * self.height) - y]

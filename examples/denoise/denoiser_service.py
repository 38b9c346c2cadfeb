"""Takes noise out of a picture: a picture in, a JPEG in base64 out."""

import os

from mxnet import gluon
from mxnet.gluon import nn

from mms.errors import BadRequest
from mms.model_service.mxnet_model_service import MXNetBaseService
from mms.utils.mxnet import image

LARGEST = 2_100_000  # pixels, a little over 1920 x 1080: each takes 350 bytes on its way


class Denoiser(gluon.HybridBlock):
    """Pictures (N, 3, height, width), values 0 to 255, in and out; of any size."""

    def __init__(self, channels=24, layers=3, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.body = nn.HybridSequential()
            for _ in range(layers):
                self.body.add(nn.Conv2D(channels, 3, padding=1, activation='relu'))
            self.body.add(nn.Conv2D(3, 3, padding=1))

    def hybrid_forward(self, F, pictures):
        return pictures - 255 * self.body(pictures / 255 - 0.5)


class DenoiserService(MXNetBaseService):
    """A picture in, the picture without noise out, as large as it came."""

    batchable = False  # several large pictures at once would take gigabytes

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        super().__init__(model_name, model_dir, manifest, gpu)
        self.net = Denoiser()
        self.net.load_parameters(os.path.join(model_dir, self.param_filename), ctx=self.ctx)
        self.net.hybridize()

    def _preprocess(self, data):
        pixels = image.read(data[0])
        height, width = pixels.shape[:2]
        if height * width > LARGEST:
            raise BadRequest(f'A picture of {width} x {height} pixels is too large: '
                             f'{LARGEST} pixels at most.')
        return [image.transform_shape(pixels)]

    def _postprocess(self, data):
        return image.write(data[0][0].round().clip(0, 255))

"""EfficientNet-Lite0 (224x224, 1000 ImageNet classes) as a service.

One class serves both archives that build_archive.py makes: a Gluon one, whose network is
defined here and hybridized, and a symbolic one, which is a bound Module without it.
The file needs nothing beside itself, so an archive can carry it alone.
"""

from __future__ import annotations

import os

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon import nn
from PIL import Image

from mms.model_service.mxnet_vision_service import MXNetVisionService
from mms.utils.mxnet import image

# (repeats, kernel, stride of the first, expansion, channels in, channels out)
STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)
CROP_FRACTION = 0.875  # of the short side: what the network was evaluated with


def pad_same(F, x, kernel, stride):
    """Pad as TensorFlow's SAME does for an even height and width: the odd pixel goes last."""
    total = kernel - stride
    before = total // 2
    after = total - before
    return F.pad(x, mode='constant', constant_value=0,
                 pad_width=(0, 0, 0, 0, before, after, before, after))


def norm(channels):
    return nn.BatchNorm(epsilon=1e-3, in_channels=channels)


def pointwise(channels, in_channels):
    return nn.Conv2D(channels, 1, use_bias=False, in_channels=in_channels)


class InvertedResidual(gluon.HybridBlock):
    """Expand, depthwise, project; the input is added where the shape stays the same."""

    def __init__(self, kernel, stride, expansion, in_channels, channels, **kwargs):
        super().__init__(**kwargs)
        inner = in_channels * expansion
        self._kernel, self._stride = kernel, stride
        self._adds_input = stride == 1 and in_channels == channels
        self._expands = expansion != 1
        with self.name_scope():
            if self._expands:
                self.expand_conv = pointwise(inner, in_channels)
                self.bn0 = norm(inner)
            self.depthwise_conv = nn.Conv2D(inner, kernel, stride, groups=inner,
                                            use_bias=False, in_channels=inner)
            self.bn1 = norm(inner)
            self.project_conv = pointwise(channels, inner)
            self.bn2 = norm(channels)

    def hybrid_forward(self, F, x):
        y = F.clip(self.bn0(self.expand_conv(x)), 0, 6) if self._expands else x
        y = pad_same(F, y, self._kernel, self._stride)
        y = F.clip(self.bn1(self.depthwise_conv(y)), 0, 6)
        y = self.bn2(self.project_conv(y))
        return x + y if self._adds_input else y


class EfficientNetLite0(gluon.HybridBlock):
    """Logits (N, 1000) of pictures (N, 3, 224, 224)."""

    def __init__(self, classes=1000, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.conv_stem = nn.Conv2D(32, 3, 2, use_bias=False, in_channels=3)
            self.bn0 = norm(32)
            self.blocks = nn.HybridSequential()
            with self.blocks.name_scope():
                for repeats, kernel, stride, expansion, in_channels, channels in STAGES:
                    self.blocks.add(InvertedResidual(
                        kernel, stride, expansion, in_channels, channels))
                    for _ in range(repeats - 1):
                        self.blocks.add(InvertedResidual(
                            kernel, 1, expansion, channels, channels))
            self.conv_head = pointwise(1280, 320)
            self.bn1 = norm(1280)
            self.pool = nn.GlobalAvgPool2D()
            self.dropout = nn.Dropout(0.2)
            self.fc = nn.Dense(classes, in_units=1280)

    def hybrid_forward(self, F, x):
        x = pad_same(F, x, kernel=3, stride=2)
        x = F.clip(self.bn0(self.conv_stem(x)), 0, 6)
        x = self.blocks(x)
        x = F.clip(self.bn1(self.conv_head(x)), 0, 6)
        return self.fc(self.dropout(self.pool(x)))


def centre_square(picture):
    """The middle of `picture` (H, W, C), CROP_FRACTION of its short side wide and high."""
    height, width = picture.shape[:2]
    side = max(1, int(CROP_FRACTION * min(height, width)))
    top, left = (height - side + 1) // 2, (width - side + 1) // 2
    return picture[top:top + side, left:left + side]


class EfficientNetLite0Service(MXNetVisionService):
    """The five likeliest of the 1000 ImageNet classes for one picture."""

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        super().__init__(model_name, model_dir, manifest, gpu)
        self.is_gluon = manifest['Model']['Model-Format'] == 'Gluon-Imperative'
        if self.is_gluon:
            self.net = EfficientNetLite0()
            self.net.load_parameters(os.path.join(model_dir, self.param_filename), ctx=self.ctx)
            self.net.hybridize(static_alloc=True, static_shape=True)

    def _preprocess(self, data):
        height, width = self.signature['inputs'][0]['data_shape'][2:]
        square = Image.fromarray(centre_square(image.read(data[0]).asnumpy()))
        # Pillow smooths as it shrinks, OpenCV's bicubic does not: .392 against .405 for kitten.jpg.
        pixels = np.asarray(square.resize((width, height), Image.BICUBIC), dtype=np.float32)
        return [mx.nd.array((pixels - 127) / 128).transpose((2, 0, 1)).expand_dims(axis=0)]

    def _inference(self, data):
        outputs = super()._inference(data)
        # The exported symbol ends in a softmax of its own.
        return [logits.softmax() for logits in outputs] if self.is_gluon else outputs

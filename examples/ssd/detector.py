"""A small SSD: classes and boxes from two feature maps of a picture of 64x64."""

from __future__ import annotations

from typing import Any

from mxnet import gluon
from mxnet.gluon import nn

CLASSES = 10
ANCHOR_SIZES = ((0.32, 0.42), (0.42, 0.5))  # of the picture's side, one tuple for each map
ANCHOR_RATIOS = (0.7, 1.0)  # width by height
ANCHORS = 3  # for each place of a map
NEGATIVES = 3.0  # for each anchor that meets an object, in the loss


def layer(channels: int, kernel: int = 3, stride: int = 1) -> nn.HybridSequential:
    block = nn.HybridSequential(prefix='')
    block.add(nn.Conv2D(channels, kernel, stride, 1, use_bias=False), nn.BatchNorm(),
              nn.Activation('relu'))
    return block


def stack(*blocks: Any) -> nn.HybridSequential:
    stacked = nn.HybridSequential(prefix='')
    stacked.add(*blocks)
    return stacked


class Detector(gluon.HybridBlock):
    """Pictures (N, 3, 64, 64), values 0 to 255.

    Returns
    -------
    anchors
        (1, A, 4): the boxes that objects are described by, corners from 0 to 1.
    scores
        (N, 11, A): of the ground and of ten digits.
    offsets
        (N, 4 * A): from the anchors to the objects.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.fine = stack(layer(32, 6, 4), layer(32), nn.MaxPool2D(), layer(64), layer(64))
            self.coarse = stack(nn.MaxPool2D(), layer(64))
            self.score_heads = [self._head(f'scores{index}_', CLASSES + 1) for index in range(2)]
            self.offset_heads = [self._head(f'offsets{index}_', 4) for index in range(2)]

    def _head(self, prefix: str, numbers: int) -> nn.Conv2D:
        head = nn.Conv2D(ANCHORS * numbers, 3, 1, 1, prefix=self.prefix + prefix)
        self.register_child(head, prefix)
        return head

    def hybrid_forward(self, F: Any, pictures: Any) -> tuple[Any, Any, Any]:
        fine = self.fine(pictures / 255)
        maps = fine, self.coarse(fine)
        anchors = [F.contrib.MultiBoxPrior(each, sizes=sizes, ratios=ANCHOR_RATIOS)
                   for each, sizes in zip(maps, ANCHOR_SIZES)]
        scores = [rows(F, head(each)).reshape((0, -1, CLASSES + 1))
                  for each, head in zip(maps, self.score_heads)]
        offsets = [rows(F, head(each)) for each, head in zip(maps, self.offset_heads)]
        return (F.concat(*anchors, dim=1), F.concat(*scores, dim=1).transpose((0, 2, 1)),
                F.concat(*offsets, dim=1))


def rows(F: Any, maps: Any) -> Any:
    """(N, channels, height, width) as (N, height * width * channels)."""
    return F.flatten(F.transpose(maps, (0, 2, 3, 1)))

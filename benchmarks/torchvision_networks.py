"""torchvision's architectures with seeded random weights, exported to ONNX."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torchvision import models

# What `torch.onnx.export` writes when nothing is said.
NEWEST = 20
LABELS = {'input_names': ['data'], 'output_names': ['scores']}
CLASSIFIERS = (
    'alexnet', 'vgg11', 'vgg11_bn', 'resnet18', 'resnet50', 'resnext50_32x4d', 'wide_resnet50_2',
    'squeezenet1_1', 'densenet121', 'inception_v3', 'googlenet', 'mobilenet_v2',
    'mobilenet_v3_small', 'mobilenet_v3_large', 'shufflenet_v2_x1_0', 'mnasnet1_0',
    'efficientnet_b0', 'efficientnet_v2_s', 'regnet_x_400mf', 'regnet_y_400mf', 'convnext_tiny',
    'vit_b_32', 'swin_t', 'swin_v2_t', 'maxvit_t')
SEGMENTERS = ('fcn_resnet50', 'deeplabv3_mobilenet_v3_large', 'lraspp_mobilenet_v3_large')
NAMES = CLASSIFIERS + SEGMENTERS
SIZES = {'inception_v3': 299, 'vit_b_32': 224, 'swin_t': 224, 'swin_v2_t': 256, 'maxvit_t': 224}
# Their own initialisation takes a minute.
QUICKLY = {'googlenet': {'init_weights': False}, 'inception_v3': {'init_weights': False}}


class FirstOutput(torch.nn.Module):
    """A segmenter answers a dictionary, of which this is the classes of each pixel."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores, ``(batch, classes, height, width)``."""
        return self.network(x)['out']


def build(name: str) -> torch.nn.Module:
    """The network with weights and statistics that are always the same."""
    torch.manual_seed(7)
    if name in SEGMENTERS:
        network = FirstOutput(getattr(models.segmentation, name)(
            weights=None, weights_backbone=None, num_classes=5))
    else:
        network = getattr(models, name)(weights=None, **QUICKLY.get(name, {}))
    with torch.no_grad():
        for parameter in network.parameters():
            # As it is, the head of ViT answers 0 to everything, and ConvNeXt adds next to nothing.
            if parameter.dim() > 1 and parameter.min() == parameter.max():
                parameter.normal_(std=0.1)
    measure(network, SIZES.get(name, 128))
    return network.eval()


def measure(network: torch.nn.Module, size: int) -> None:
    """Give each batch normalisation the mean and the variance that it meets.

    With any others a deep network of random weights gives the same answer to every picture.
    """
    for layer in network.modules():
        if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm):
            layer.reset_running_stats()
            layer.momentum = None
    with torch.no_grad():
        network.train()(torch.randn(4, 3, size, size))


def export(name: str, folder: Path, opsets: Sequence[int]) -> None:
    """Write the files of one network that are not there yet."""
    network, size = build(name), SIZES.get(name, 224 if name in CLASSIFIERS else 128)
    pictures = torch.randn(2, 3, size, size)
    for opset in opsets:
        attempt(folder / f'{name}-traced-{opset:02}.onnx', functools.partial(
            torch.onnx.export, network, (pictures,), opset_version=opset, dynamo=False,
            dynamic_axes={'data': {0: 'batch'}, 'scores': {0: 'batch'}}, **LABELS))
    attempt(folder / f'{name}-compiled-{NEWEST}.onnx', functools.partial(
        torch.onnx.export, network, (pictures,), verbose=False, external_data=False,
        dynamic_shapes=({0: torch.export.Dim('batch', min=1, max=64)},), **LABELS))


def attempt(path: Path, write: Callable[..., Any]) -> None:
    """Write a file, or a file beside it that tells why not."""
    reason = path.with_suffix('.txt')
    if path.exists() or reason.exists():
        return
    try:
        write(f=str(path))
    except Exception as error:
        first = next((line for line in str(error).splitlines() if line.strip()), '')
        reason.write_text(f'{type(error).__name__}: {first}\n')
    print(f'{path.name}: {"written" if path.exists() else reason.read_text().strip()}', flush=True)

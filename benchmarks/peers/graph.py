"""An exported network and the hooks of its service, for servers that have no such services.

This file, ``mxnet_compat``, the network and its labels lie in one folder. The
hooks do what those of the service file do, operator by operator, so that every
contender computes the same; compare.py checks that the answers are equal. Python 3.6
must be able to read it, for MMS 0.4: no annotations that are evaluated there.
"""

import io
import json
from pathlib import Path
from typing import Any

import mxnet_compat

mxnet_compat.prepare()

import mxnet as mx  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

SIDE_PX = 224
TOP = 5
# How a vision service of MMS 0.4 resizes.
AREA = 2


class Graph:
    """A network that answers batches.

    Parameters
    ----------
    folder
        As ``build_model.py`` wrote it.
    """

    def __init__(self, folder: Path) -> None:
        self.hooks = HOOKS[(folder / 'hooks.txt').read_text()](
            json.loads((folder / 'labels.json').read_text()))
        self.network = mx.gluon.SymbolBlock.imports(
            str(folder / 'network-symbol.json'), [self.hooks.input],
            str(folder / 'network-0000.params'))
        self.network.hybridize(**self.hooks.compilation)

    def answer(self, raws: 'list[bytes]') -> 'list[dict[str, Any]]':
        """Return one answer a request."""
        ready = [self.hooks.preprocess(bytes(raw)) for raw in raws]
        batch = ready[0] if len(ready) == 1 else mx.nd.concat(*ready, dim=0)
        output = self.network(batch).softmax()
        return [{'prediction': self.hooks.postprocess(output[index:index + 1])}
                for index in range(len(raws))]


class AlexNetHooks:
    """Those of examples/gluon_alexnet."""

    input = 'data'
    compilation: 'dict[str, bool]' = {}

    def __init__(self, labels: 'list[str]') -> None:
        self.labels = labels

    def preprocess(self, raw: bytes) -> Any:
        """Return shape (1, 3, 224, 224)."""
        pixels = mx.image.imresize(mx.img.imdecode(raw), SIDE_PX, SIDE_PX)
        scaled = pixels.astype(np.float32)
        scaled /= 255
        scaled = mx.image.color_normalize(scaled, mean=mx.nd.array([0.485, 0.456, 0.406]),
                                          std=mx.nd.array([0.229, 0.224, 0.225]))
        return mx.nd.transpose(scaled, (2, 0, 1)).expand_dims(axis=0)

    def postprocess(self, output: Any) -> Any:
        """Return the five likeliest classes."""
        return [{'class': self.labels[int(index.asscalar())].split()[1],
                 'probability': float(output[0, int(index.asscalar())].asscalar())}
                for index in output.topk(k=TOP)[0]]


class EfficientNetHooks:
    """Those of examples/efficientnet_lite0."""

    input = 'data'
    compilation = {'static_alloc': True, 'static_shape': True}

    def __init__(self, labels: 'list[str]') -> None:
        self.labels = labels

    def preprocess(self, raw: bytes) -> Any:
        """Return shape (1, 3, 224, 224)."""
        pixels = mx.img.imdecode(raw).asnumpy()
        height, width = pixels.shape[:2]
        side = max(1, int(0.875 * min(height, width)))
        top, left = (height - side + 1) // 2, (width - side + 1) // 2
        square = Image.fromarray(pixels[top:top + side, left:left + side])
        scaled = np.asarray(square.resize((SIDE_PX, SIDE_PX), Image.BICUBIC), dtype=np.float32)
        return mx.nd.array((scaled - 127) / 128).transpose((2, 0, 1)).expand_dims(axis=0)

    def postprocess(self, output: Any) -> Any:
        """Return the five likeliest classes."""
        scores = output.asnumpy()[0]
        return [[{'class': self.labels[index], 'probability': float(scores[index])}
                 for index in np.argsort(scores)[::-1][:TOP]]]


class DenseHooks:
    """Those of services/dense_service.py."""

    input = 'data'
    compilation: 'dict[str, bool]' = {}

    def __init__(self, labels: 'list[str]') -> None:
        del labels

    def preprocess(self, raw: bytes) -> Any:
        """Return shape (1, 4)."""
        return mx.nd.array(json.load(io.BytesIO(raw)))

    def postprocess(self, output: Any) -> Any:
        """Return the probabilities."""
        return output.asnumpy().tolist()


class SmallHooks:
    """Those of the vision service of MMS 0.4."""

    input = 'picture'
    compilation: 'dict[str, bool]' = {}

    def __init__(self, labels: 'list[str]') -> None:
        self.labels = labels

    def preprocess(self, raw: bytes) -> Any:
        """Return shape (1, 3, 24, 40)."""
        pixels = mx.image.imresize(mx.img.imdecode(raw), 40, 24, AREA)
        return mx.nd.transpose(pixels.astype(np.float32), (2, 0, 1)).expand_dims(axis=0)

    def postprocess(self, output: Any) -> Any:
        """Return the five likeliest classes."""
        scores = output.asnumpy()[0]
        return [[{'class': self.labels[index], 'probability': float(scores[index])}
                 for index in np.argsort(scores)[::-1][:TOP]]]


HOOKS = {'alexnet': AlexNetHooks, 'efficientnet': EfficientNetHooks, 'dense': DenseHooks,
         'small': SmallHooks}

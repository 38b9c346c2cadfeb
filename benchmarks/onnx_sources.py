"""ONNX files to convert: of the onnx package, the fixtures, and torchvision's networks."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

REPO = Path(__file__).resolve().parent.parent
FIXTURES = REPO / 'tests' / 'fixtures' / 'onnx' / 'networks.tar.xz'
LIGHT = Path(onnx.__file__).parent / 'backend' / 'test' / 'data' / 'light'

# How a fixture's exporter is called in the table.
EXPORTERS = {'traced': 'PyTorch, dynamo=False', 'compiled': 'PyTorch, as it comes',
             'handmade': 'onnx.helper'}


@dataclass(frozen=True)
class Source:
    """A file, and what the table says of it.

    Attributes
    ----------
    reason
        Why there is no file: the exporter's words.
    """

    model: str
    made_by: str
    opset: int
    path: Path
    reason: str = ''


def light_models(words: Sequence[str] = ('',)) -> Iterator[Source]:
    """The models of the onnx package; each twice, as it is and with random weights.

    All weights of such a file are one number, so that many mistakes cancel out.
    """
    for path in sorted(LIGHT.glob('*.onnx')):
        name = path.stem.partition('_')[2]
        if not any(word in name for word in words):
            continue
        opset = opset_of(onnx.load(str(path)))
        yield Source(name, 'onnx package', opset, path)
        with tempfile.TemporaryDirectory() as temporary:
            random = Path(temporary) / path.name
            random.write_bytes(with_random_weights(path).SerializeToString())
            yield Source(name, 'onnx package, random weights', opset, random)


def with_random_weights(path: Path) -> onnx.ModelProto:
    """A light model whose ConstantOfShape nodes are initializers of seeded numbers."""
    model = onnx.load(str(path))
    graph, random = model.graph, np.random.RandomState(7)
    shapes = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    positive = {node.input[4] for node in graph.node if node.op_type == 'BatchNormalization'}
    made = [node for node in graph.node if node.op_type == 'ConstantOfShape']
    for node in made:
        shape = tuple(shapes[node.input[0]].tolist())
        weights = random.normal(scale=deviation(shape), size=shape).astype('float32')
        if node.output[0] in positive:
            weights = 0.5 + np.abs(weights)
        graph.initializer.append(numpy_helper.from_array(weights, node.output[0]))
        graph.node.remove(node)
    return model


def deviation(shape: Sequence[int]) -> float:
    """He's: the signal keeps its magnitude through each layer (He et al., 2015)."""
    return float(np.sqrt(2 / np.prod(shape[1:]))) if len(shape) > 1 else 0.3


def fixtures(words: Sequence[str] = ('',)) -> Iterator[Source]:
    """The networks in tests/fixtures/onnx, one after the other."""
    with tempfile.TemporaryDirectory() as temporary, tarfile.open(FIXTURES) as archive:
        for member in archive:
            name, exporter, opset = member.name.partition('.')[0].rsplit('-', 2)
            if not any(word in name for word in words):
                continue
            path = Path(temporary) / member.name
            path.write_bytes(archive.extractfile(member).read())
            yield Source(name, EXPORTERS[exporter], int(opset), path)


def folder(files: Path, words: Sequence[str] = ('',)) -> Iterator[Source]:
    """What `onnx_torchvision.py` wrote into a folder."""
    for path in sorted((*files.glob('*.onnx'), *files.glob('*.txt'))):
        name, exporter, opset = path.stem.rsplit('-', 2)
        if any(word in name for word in words):
            reason = path.read_text().strip() if path.suffix == '.txt' else ''
            yield Source(name, f'torchvision, {EXPORTERS[exporter]}', int(opset), path, reason)


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators that a model names."""
    return next((entry.version for entry in model.opset_import
                 if entry.domain in ('', 'ai.onnx')), 1)

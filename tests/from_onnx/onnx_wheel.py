"""The models of single operators that come inside the onnx wheel, and how MXNet answers them."""

import functools
import os
from pathlib import Path

import mxnet as mx
import numpy as np
from extras import onnx

from mms.errors import ExportError
from mms.from_onnx.convert import convert

numpy_helper = onnx.numpy_helper
DATA = Path(onnx.__file__).parent / 'backend' / 'test' / 'data'
FOLDERS = ('node', 'simple', 'pytorch-operator', 'pytorch-converted')
TOLERANCE = 1e-4
# The answers of a model in float16 are rounded to it.
HALF_TOLERANCE = 2e-3


@functools.cache
def cases():
    """Folders, each with a model and the answers that it has to give."""
    return [path.parent for name in FOLDERS for path in sorted((DATA / name).glob('*/model.onnx'))]


@functools.cache
def operators_of(case):
    return {node.op_type for node in onnx.load(case / 'model.onnx').graph.node}


def predict(converted, feeds):
    """The outputs of a converted model; a scalar comes as a list of one."""
    feeds = {name: np.asarray(feeds[name]) for name, _, _ in converted.inputs}
    feeds = {name: mx.nd.array(array.reshape(array.shape or (1,)), dtype=(
        'float64' if array.dtype == np.float64 else 'float32')) for name, array in feeds.items()}
    executor = converted.symbol.simple_bind(
        mx.cpu(), grad_req='null', type_dict={name: feed.dtype for name, feed in feeds.items()},
        **{name: feed.shape for name, feed in feeds.items()})
    executor.copy_params_from(converted.arg_params, converted.aux_params)
    return [output.asnumpy() for output in executor.forward(is_train=False, **feeds)]


def answered(case, folder):
    """Whether MXNet gives the answers of a case; None if the model is refused."""
    path, feeds = case / 'model.onnx', _inputs(case)
    try:
        converted = convert(str(path))
    except ExportError:
        if any(array is None for array in feeds.values()):
            return None
        try:
            converted = convert(_with_constants(path, feeds, folder))
        except ExportError:
            return None
    return _agree(predict(converted, feeds), _arrays(case, 'output'), converted.outputs)


def _with_constants(path, feeds, folder):
    """The same model with all inputs but the first as constants: shapes, axes, weights."""
    model = onnx.load(path)
    for value in [value for value in model.graph.input if value.name in list(feeds)[1:]]:
        model.graph.initializer.append(numpy_helper.from_array(feeds[value.name], value.name))
        model.graph.input.remove(value)
    constant = os.path.join(folder, 'model.onnx')
    onnx.save(model, constant)
    return constant


def _inputs(case):
    graph = onnx.load(case / 'model.onnx').graph
    names = [value.name for value in graph.input]
    arrays = _arrays(case, 'input')
    if len(arrays) < len(names):
        constants = {tensor.name for tensor in graph.initializer}
        names = [name for name in names if name not in constants]
    return dict(zip(names, arrays))


def _arrays(case, kind):
    """None for what is no array of numbers."""
    found = []
    for number in range(len(list((case / 'test_data_set_0').glob(f'{kind}_*.pb')))):
        tensor = onnx.TensorProto()
        try:
            tensor.ParseFromString((case / f'test_data_set_0/{kind}_{number}.pb').read_bytes())
            found.append(numpy_helper.to_array(tensor))
        except Exception:  # a sequence, a map: protobuf and onnx raise all kinds
            found.append(None)
    return found


def _agree(answers, wanted, declared):
    assert len(answers) == len(wanted)
    return all(
        answer.shape == (array.shape or (1,)) and len(shape) == array.ndim
        and np.allclose(answer.astype(np.float64), array.astype(np.float64), equal_nan=True,
                        rtol=HALF_TOLERANCE if array.dtype == np.float16 else TOLERANCE,
                        atol=TOLERANCE)
        for answer, array, (_, shape) in zip(answers, wanted, declared))

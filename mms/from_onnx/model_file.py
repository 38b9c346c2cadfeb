"""Read an ONNX file and see that it is one that can be converted at all."""

from __future__ import annotations

import os
from typing import Any

import onnx

from mms.archive.json_file import os_reason
from mms.errors import ExportError

# The operators of ONNX itself.
_DOMAINS = ('', 'ai.onnx')


def read_model(path: str) -> onnx.ModelProto:
    """The model in a file, with the data that lies beside it.

    Raises
    ------
    ExportError
        The file cannot be read, is broken, or needs what is not there.
    """
    model = _parse(path)
    if not model.graph.output:
        raise ExportError(f'{path} is not an ONNX model, or a broken one: it holds no graph')
    if model.functions:
        model = _inlined(model, path)
    if not model.opset_import:
        raise ExportError(f'{path} is not an ONNX model, or a broken one: it does not say which '
                          'opset its operators are of')
    _read_outside_data(model, path)
    return model


def opsets_of(model: onnx.ModelProto) -> dict[str, int]:
    """Domain -> version of its operators that the model was written for."""
    versions = {entry.domain: int(entry.version) for entry in model.opset_import}
    own = max((versions[domain] for domain in _DOMAINS if domain in versions), default=1)
    return {**versions, **dict.fromkeys(_DOMAINS, own)}


def files_beside(path: str) -> list[str]:
    """Names of the other files, in the model's folder, that hold its data."""
    model = _parse(path)
    return sorted({_location(tensor) for tensor in _tensors(model.graph)
                   if tensor.data_location == onnx.TensorProto.EXTERNAL})


def is_of_onnx(node: onnx.NodeProto) -> bool:
    """Whether the operator is one of ONNX's own."""
    return node.domain in _DOMAINS


def _parse(path: str) -> onnx.ModelProto:
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(path, load_external_data=False)
    except OSError as exc:
        raise ExportError(f'{path} cannot be read: {os_reason(exc)}') from exc
    except (DecodeError, ValueError, RuntimeError) as exc:
        raise ExportError(f'{path} is not an ONNX model, or a broken one: its protobuf cannot '
                          'be parsed') from exc


def _inlined(model: onnx.ModelProto, path: str) -> onnx.ModelProto:
    from onnx.inliner import inline_local_functions

    try:
        return inline_local_functions(model)
    except (RuntimeError, ValueError) as exc:
        raise ExportError(f'{path} is not an ONNX model, or a broken one: its functions cannot be '
                          f'expanded ({exc})') from exc


def _read_outside_data(model: onnx.ModelProto, path: str) -> None:
    folder = os.path.dirname(os.path.abspath(path))
    for tensor in _tensors(model.graph):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        location = _location(tensor)
        _check_inside(location, folder, tensor.name, path)
        try:
            onnx.external_data_helper.load_external_data_for_tensor(tensor, folder)
            tensor.data_location = onnx.TensorProto.DEFAULT
            del tensor.external_data[:]
        except (OSError, ValueError, onnx.checker.ValidationError) as exc:
            raise ExportError(f'{path}: the data of {tensor.name!r} cannot be read from '
                              f'{location}, which must lie beside the model') from exc


def _location(tensor: onnx.TensorProto) -> str:
    entries: dict[str, str] = {entry.key: entry.value for entry in tensor.external_data}
    return entries.get('location', '')


def _check_inside(location: str, folder: str, name: str, path: str) -> None:
    real = os.path.realpath(os.path.join(folder, location))
    if not location or os.path.isabs(location) or os.path.commonpath(
            [real, os.path.realpath(folder)]) != os.path.realpath(folder):
        raise ExportError(f'{path}: the data of {name!r} lies in {location!r}, which is outside '
                          "the model's folder: move it beside the model")


def _tensors(graph: onnx.GraphProto) -> Any:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                yield attribute.t
            elif attribute.type == onnx.AttributeProto.GRAPH:
                yield from _tensors(attribute.g)

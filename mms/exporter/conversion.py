"""Have an ONNX model converted in another process, and hold it against the signature."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
from typing import Any, NamedTuple

from mms.archive.signature import SIGNATURE_FILE
from mms.errors import ExportError, MissingExtraError
from mms.runtime.child_python import child_python

# Neither the working directory nor the model's folder is a place to import from.
_RUN = 'from mms.from_onnx.__main__ import main; main(*sys.argv[1:])'


class Conversion(NamedTuple):
    """What an ONNX model became.

    Attributes
    ----------
    symbol, params
        Paths of the new files.
    sources
        Paths of the files that it was made of: the model and the data beside it.
    inputs
        Name -> shape of each input; 0 is a length that only a request tells.
    outputs
        Names of the outputs.
    """

    symbol: str
    params: str
    sources: list[str]
    inputs: dict[str, list[int]]
    outputs: list[str]


def convert_onnx(onnx_path: str, name: str, folder: str) -> Conversion:
    """Convert the model at `onnx_path` into files of `folder` that start with `name`.

    Raises
    ------
    ExportError
        The model is broken, or holds what has no exact counterpart in MXNet.
    MissingExtraError
        The package onnx is not installed.
    """
    if importlib.util.find_spec('onnx') is None:
        raise MissingExtraError('ONNX models', 'onnx')
    prefix = os.path.join(folder, name)
    report = _run(onnx_path, prefix)
    if 'error' in report:
        raise ExportError(report['error'])
    beside = [os.path.join(os.path.dirname(onnx_path), file) for file in report['files']]
    return Conversion(f'{prefix}-symbol.json', f'{prefix}-0000.params', [onnx_path, *beside],
                      {entry['name']: entry['shape'] for entry in report['inputs']},
                      report['outputs'])


def _run(onnx_path: str, prefix: str) -> dict[str, Any]:
    done = subprocess.run([*child_python(_RUN), onnx_path, prefix], check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, encoding='utf-8',
                          errors='replace')
    if done.returncode:
        raise ExportError(f'{onnx_path}: the conversion ended early: {_reason(done)}')
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode < 0:
        return f'its process was ended by {signal.Signals(-done.returncode).name}'
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f'exit status {done.returncode}'


def check_signature(conversion: Conversion, signature: dict[str, Any]) -> None:
    """See that ``signature.json`` gives the inputs of the ONNX model, in shapes that it takes.

    Of outputs it must not list more than there are; nothing else is read from them.

    Raises
    ------
    ExportError
    """
    file, listed = os.path.basename(conversion.sources[0]), signature['outputs']
    if len(listed) > len(conversion.outputs):
        raise ExportError(f'{SIGNATURE_FILE}: it lists {len(listed)} outputs, {file} has '
                          f'{len(conversion.outputs)}: {", ".join(map(repr, conversion.outputs))}')
    given = {entry['data_name']: entry['data_shape'] for entry in signature['inputs']}
    if set(given) != set(conversion.inputs):
        raise ExportError(f'{SIGNATURE_FILE}: the inputs are {_listed(given)}, those of '
                          f'{file} are {_listed(conversion.inputs)}')
    for name, shape in given.items():
        if not _agree(shape, conversion.inputs[name] or [1]):
            raise ExportError(f'{SIGNATURE_FILE}: the data_shape of {name!r} is {shape}, in '
                              f'{file} it is {conversion.inputs[name]}, where 0 is any length')


def _listed(inputs: dict[str, list[int]]) -> str:
    return ', '.join(f'{name!r} {shape}' for name, shape in inputs.items()) or 'none'


def _agree(one: list[int], other: list[int]) -> bool:
    return len(one) == len(other) and all(
        0 in pair or pair[0] == pair[1] for pair in zip(one, other))

"""A request whose body is the one tensor that its model takes, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.ipc.request import Body, Headers
from mms.worker.codecs.inference_v2.asked import Asked
from mms.worker.codecs.inference_v2.binary import from_binary
from mms.worker.codecs.inference_v2.tensor import BYTES, FP32, NUMBERS, Tensor
from mms.worker.codecs.inference_v2.wrong import wrong

HEADER_LENGTH = 'Inference-Header-Content-Length'


def is_raw(headers: Headers) -> bool:
    """Whether a request has no JSON at all."""
    said = headers.get(HEADER_LENGTH, '').strip()
    return bool(said) and not said.strip('0')


def read_raw(body: Body, signature: Mapping[str, Any]) -> Asked:
    """Read it; the outputs are wanted in the same form.

    Raises
    ------
    BadRequest
        The model takes several inputs, or one whose shape the number of bytes does not tell.
    """
    inputs = signature['inputs']
    if len(inputs) != 1:
        raise wrong(f'the body is a tensor without its name, and the model takes {len(inputs)} '
                    'inputs')
    entry, kind = inputs[0], input_types(signature)[0]
    name, datatype = entry['data_name'], entry.get('datatype', FP32)
    if kind == IMAGE_TYPE or datatype == BYTES:
        # One element, without its length.
        return Asked(None, [Tensor(name, BYTES, [1], [bytes(body)])], None, True)
    shape = _shape(name, entry['data_shape'], len(body) // NUMBERS[datatype].itemsize)
    values = from_binary(name, datatype, shape, memoryview(body))
    return Asked(None, [Tensor(name, datatype, shape, values)], None, True)


def _shape(name: str, declared: list[int], count: int) -> list[int]:
    """That of a batch of one."""
    shape = [declared[0] or 1, *declared[1:]] if declared else [count]
    places = [place for place, length in enumerate(shape) if not length]
    if len(places) > 1:
        raise wrong(f"the body is a tensor without its shape, and input '{name}' has several "
                    'dimensions of any length')
    for place in places:
        shape[place] = count // prod(shape[:place] + shape[place + 1:])
    return shape

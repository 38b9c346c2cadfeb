"""A request of several pictures, taken apart: each becomes a request that could have come alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Union

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.ipc.request import OPEN_INFERENCE_ENTRY, Entries, Request
from mms.worker.codecs.base64_text import bytes_of
from mms.worker.codecs.inference_v2.asked import Asked
from mms.worker.codecs.inference_v2.binary import to_binary
from mms.worker.codecs.inference_v2.raw_request import HEADER_LENGTH
from mms.worker.codecs.inference_v2.tensor import BYTES, Tensor
from mms.worker.codecs.inference_v2.wrong import wrong


def pictures_in(tensors: Sequence[Tensor], signature: Mapping[str, Any]) -> int:
    """How many pictures there are, where a model takes some; 1 of any other."""
    names = picture_names(signature)
    return max((len(tensor.values) for tensor in tensors
                if tensor.name in names and tensor.datatype == BYTES), default=1)


def entries_of(asked: Asked, signature: Mapping[str, Any], count: int) -> Entries:
    """A request for each of so many pictures, with its row of every tensor.

    Raises
    ------
    BadRequest
        Some input has not as many rows.
    """
    names = picture_names(signature)
    for tensor in asked.inputs:
        if _rows(tensor, names) != count:
            raise wrong(f"input '{tensor.name}' of the shape {list(tensor.shape)} has not a row "
                        f'for each of {count} pictures')
    return Entries(names[0], [_entry(asked, names, number) for number in range(count)])


def picture_names(signature: Mapping[str, Any]) -> list[str]:
    """Names of the inputs that are pictures."""
    return [entry['data_name'] for entry, kind in zip(signature['inputs'], input_types(signature))
            if kind == IMAGE_TYPE]


def _entry(asked: Asked, pictures: Sequence[str], number: int) -> Request:
    described, behind = [], []
    for tensor in asked.inputs:
        row = _row(tensor, number, tensor.name in pictures)
        data = to_binary(row.datatype, row.values)
        described.append({'name': row.name, 'datatype': row.datatype, 'shape': list(row.shape),
                          'parameters': {'binary_data_size': len(data)}})
        behind.append(data)
    document = {
        'inputs': described, 'parameters': {'binary_data_output': asked.is_binary},
        **({} if asked.id is None else {'id': asked.id}),
        **({} if asked.outputs is None else {'outputs': [
            {'name': one.name, 'parameters': {
                'binary_data': one.is_binary, 'classification': one.classes}}
            for one in asked.outputs]})}
    head = json.dumps(document).encode()
    return Request(OPEN_INFERENCE_ENTRY, '', b''.join([head, *behind]),
                   headers={HEADER_LENGTH: str(len(head))})


def _rows(tensor: Tensor, pictures: Sequence[str]) -> int:
    """How many: each picture is one, however they lie; else the first dimension counts."""
    if tensor.datatype == BYTES and tensor.name in pictures:
        return len(tensor.values)
    return tensor.shape[0] if tensor.shape else 1


def _row(tensor: Tensor, number: int, is_picture: bool) -> Tensor:
    if tensor.datatype != BYTES:
        rows = tensor.values[number:number + 1]
        return tensor._replace(shape=list(rows.shape), values=rows)
    if is_picture:
        return tensor._replace(shape=[1] * max(1, len(tensor.shape)),
                               values=[_picture(tensor.name, tensor.values[number])])
    length = prod(tensor.shape[1:])
    return tensor._replace(shape=[1, *tensor.shape[1:]],
                           values=tensor.values[number * length:(number + 1) * length])


def _picture(name: str, element: Union[bytes, str]) -> bytes:
    if isinstance(element, bytes):
        return element
    # As JSON has it.
    try:
        return bytes_of(element.encode('utf-8', 'replace'))
    except ValueError as error:
        raise wrong(f"input '{name}' holds a picture that is no base64 ({error})") from error

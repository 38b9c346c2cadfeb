"""Tensors as the answer to a request: JSON, and behind it those that are wanted as they lie in
memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Optional

import orjson

from mms.ipc.request import JSON
from mms.worker.codecs.codec import Payload
from mms.worker.codecs.content_coding import coded
from mms.worker.codecs.inference_v2.binary import to_binary
from mms.worker.codecs.inference_v2.classification import classified
from mms.worker.codecs.inference_v2.json_data import to_json_text
from mms.worker.codecs.inference_v2.raw_request import HEADER_LENGTH
from mms.worker.codecs.inference_v2.tensor import BYTES, Tensor
from mms.worker.codecs.inference_v2.wanted import Wanted
from mms.worker.codecs.inference_v2.wrong import wrong
from mms.worker.codecs.json_answer import to_json

# A model has one version at a time.
VERSION = '1'
_BINARY = 'application/octet-stream'


class Answering(NamedTuple):
    """How a request is to be answered.

    Attributes
    ----------
    model
        Name of the model.
    id
        What the request calls itself; None where it has no name.
    outputs
        What it wants; None for all.
    is_binary
        Whether outputs are given as they lie in memory, where none says otherwise.
    accepted
        Its ``Accept-Encoding``.
    labels
        Of the classes of the model.
    is_entry
        Whether the answer becomes a part of another one: all outputs lie behind the JSON then, as
        numbers or as the JSON that they are to be.
    """

    model: str
    id: Optional[str]
    outputs: Optional[Sequence[Wanted]]
    is_binary: bool
    accepted: str
    labels: Sequence[str] = ()
    is_entry: bool = False


def payload_of(tensors: Sequence[Tensor], answering: Answering) -> Payload:
    """The answer.

    Raises
    ------
    BadRequest
        What is wanted of an output is not to be had of it.
    TypeError, ValueError
        There is no form for what it holds.
    """
    by_name = {tensor.name: tensor for tensor in tensors}
    wanted = answering.outputs
    if wanted is None:
        wanted = [Wanted(tensor.name) for tensor in tensors]
    written, behind = [], []
    for one in wanted:
        tensor = by_name.get(one.name)
        if tensor is None:
            raise ValueError(f'the service has not answered with an output {one.name!r}')
        if one.classes:
            tensor = classified(tensor, one.classes, answering.labels)
        is_binary = answering.is_binary if one.is_binary is None else one.is_binary
        data = to_binary(tensor.datatype, tensor.values) if is_binary else None
        is_text = data is None and answering.is_entry
        if is_text:
            data = _text(tensor)[1:-1]
        written.append(_written(tensor, data, is_text))
        behind.append(data or b'')
    head = _head(answering, written)
    headers = {HEADER_LENGTH: str(len(head))} if any(behind) or answering.is_entry else {}
    content, coding = coded(b''.join([head, *behind]), answering.accepted)
    if coding:
        headers['Content-Encoding'] = coding
    return Payload(content, _BINARY if any(behind) else JSON, headers=headers)


def _head(answering: Answering, outputs: Sequence[bytes]) -> bytes:
    known = {'model_name': answering.model, 'model_version': VERSION}
    if answering.id:
        known['id'] = answering.id
    return b'%s,"outputs":[%s]}' % (to_json(known)[:-1], b','.join(outputs))


def _written(tensor: Tensor, data: Optional[bytes], is_text: bool) -> bytes:
    known = orjson.dumps({'datatype': tensor.datatype, 'shape': list(tensor.shape)})[:-1]
    name = to_json(tensor.name)
    if data is not None:
        mark = b',"is_text":true' if is_text else b''
        return b'%s,"name":%s,"parameters":{"binary_data_size":%d%s}}' % (
            known, name, len(data), mark)
    return b'%s,"name":%s,"data":%s}' % (known, name, _text(tensor))


def _text(tensor: Tensor) -> bytes:
    try:
        return to_json_text(tensor.datatype, tensor.values)
    except TypeError:
        if tensor.datatype != BYTES:
            raise
        raise wrong(f"output '{tensor.name}' holds bytes that are no text: ask for it as binary "
                    'data') from None

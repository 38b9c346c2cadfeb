"""Answers of the Open Inference Protocol as one: the rows of their tensors behind each other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from mms.errors import BadRequest, RequestError
from mms.event_loop.yielding import TimeSlice
from mms.ipc.messages import JSON, Reply
from mms.runtime.byte_budget import PIECE_BYTES, ByteBudget, ChunkedBuffer

_LENGTH = 'Inference-Header-Content-Length'
_SIZE, _IS_TEXT = 'binary_data_size', 'is_text'


def joined_tensors(replies: Sequence[Reply]) -> Reply:
    """One answer, whose outputs have the rows of all.

    Parameters
    ----------
    replies
        To the entries of a request: all of their data lies behind the JSON, as numbers, or as the
        JSON that it is to be.

    Raises
    ------
    BadRequest
        The rows of an output cannot lie behind each other.
    RequestError
        The process of the model has written something else.
    """
    first = replies[0].content
    budget = first.budget if isinstance(first, ChunkedBuffer) else ByteBudget()
    time_slice = TimeSlice()
    outputs: list[_Output] = []
    known: dict[str, Any] = {}
    for reply in replies:
        try:
            known, parts = _taken_apart(reply)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise RequestError('The process of the model has answered with what are no '
                               'tensors.') from error
        outputs = outputs or [_Output(described, []) for described, _ in parts]
        if len(parts) != len(outputs):
            raise BadRequest('the pictures have not the same outputs: send one in each request')
        for output, (described, data) in zip(outputs, parts):
            output.add(described, data)
        time_slice.yield_if_over()
    return _reply(replies[0], known, outputs, budget)


class _Output(NamedTuple):
    """One output, as far as it is known.

    Attributes
    ----------
    described
        As JSON has it.
    pieces
        Of its data.
    """

    described: dict[str, Any]
    pieces: list[bytes]

    @property
    def is_text(self) -> bool:
        return _IS_TEXT in self.described['parameters']

    def add(self, more: dict[str, Any], data: bytes) -> None:
        """Add rows."""
        shape, rows = self.described['shape'], more['shape']
        if self.pieces:
            if shape[1:] != rows[1:] or self.described['datatype'] != more['datatype']:
                raise BadRequest(f"output '{self.described['name']}' has another shape or type for "
                                 'each picture: send one in each request')
            shape[0] += rows[0]
        self.pieces.append(data)

    def written(self) -> Iterator[bytes]:
        """As the JSON of the answer has it, in pieces."""
        told = {name: self.described[name] for name in ('name', 'datatype', 'shape')}
        if not self.is_text:
            told['parameters'] = {_SIZE: sum(map(len, self.pieces))}
            yield json.dumps(told, separators=(',', ':')).encode()
            return
        yield json.dumps(told, separators=(',', ':')).encode()[:-1] + b',"data":['
        mark = b''
        for piece in filter(None, self.pieces):
            yield mark
            yield piece
            mark = b','
        yield b']}'


def _taken_apart(reply: Reply) -> tuple[dict[str, Any], list[tuple[dict[str, Any], bytes]]]:
    """The JSON of an answer without its outputs; these, and the data of each."""
    content = reply.content
    # It counts no more; the answer of all does.
    body = b''.join(content.consume()) if isinstance(content, ChunkedBuffer) else bytes(content)
    start = int(reply.headers[_LENGTH])
    known = json.loads(body[:start])
    parts = []
    for output in known.pop('outputs'):
        if not all(type(length) is int for length in output['shape']) or not output['shape']:
            raise ValueError('a shape that is none')
        end = start + int(output['parameters'][_SIZE])
        parts.append((output, body[start:end]))
        start = end
    return known, parts


def _reply(first: Reply, known: dict[str, Any], outputs: Sequence[_Output],
           budget: ByteBudget) -> Reply:
    whole = ChunkedBuffer(budget)
    _append(whole, _head(known, outputs))
    size = len(whole)
    _append(whole, (piece for output in outputs if not output.is_text
                    for piece in output.pieces))
    if len(whole) == size:
        return replace(first, content=whole, content_type=JSON, headers={})
    return replace(first, content=whole, headers={_LENGTH: str(size)})


def _head(known: dict[str, Any], outputs: Sequence[_Output]) -> Iterator[bytes]:
    yield json.dumps(known, separators=(',', ':')).encode()[:-1] + b',"outputs":['
    mark = b''
    for output in outputs:
        yield mark
        yield from output.written()
        mark = b','
    yield b']}'


def _append(whole: ChunkedBuffer, data: Iterable[bytes]) -> None:
    """In pieces that are neither many nor large."""
    time_slice = TimeSlice()
    gathered: list[bytes] = []
    size = 0
    for each in data:
        for start in range(0, len(each), PIECE_BYTES):
            piece = each[start:start + PIECE_BYTES]
            gathered.append(piece)
            size += len(piece)
            if size >= PIECE_BYTES:
                whole.append(b''.join(gathered))
                gathered, size = [], 0
                time_slice.yield_if_over()
    whole.append(b''.join(gathered))

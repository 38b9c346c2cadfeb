"""Answers of the Open Inference Protocol as one: the rows of their tensors behind each other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from mms.errors import BadRequest, RequestError
from mms.event_loop.yielding import TimeSlice
from mms.ipc.request import JSON, Content, Reply
from mms.runtime.byte_budget import ByteBudget, ChunkedBuffer
from mms.serving.pieces import Piece, append_pieces

_LENGTH = 'Inference-Header-Content-Length'
_SIZE, _IS_TEXT = 'binary_data_size', 'is_text'
# A thousand outputs have room, whose names have a thousand characters that are escaped.
_MOST_HEAD_BYTES = 8 * 1024**2


def joined_tensors(replies: Sequence[Reply]) -> Reply:
    """One answer, whose outputs have the rows of all.

    What the answers hold is handed on piece by piece, and counts once at any time.

    Parameters
    ----------
    replies
        To the entries of a request: all of their data lies behind the JSON, as numbers, or as the
        JSON that it is to be. They are empty afterwards.

    Raises
    ------
    BadRequest
        The rows of an output cannot lie behind each other.
    RequestError
        The process of the model has written something else.
    BuffersFull
    """
    first = replies[0].content
    budget = first.budget if isinstance(first, ChunkedBuffer) else ByteBudget()
    outputs: list[_Output] = []
    known: dict[str, Any] = {}
    for reply in replies:
        content = _Content(reply.content)
        try:
            known = _known(reply, content)
            described = known.pop('outputs')
            if reply is replies[0]:
                outputs = [_Output(each, ChunkedBuffer(budget)) for each in described]
            if len(described) != len(outputs):
                raise BadRequest('the pictures have not the same outputs: send one in each request')
            for output, more in zip(outputs, described):
                output.add(more, content)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise RequestError('The process of the model has answered with what are no '
                               'tensors.') from error
    return _reply(replies[0], known, outputs, budget)


class _Content:
    """What is left of an answer; what is taken of it counts there no more."""

    def __init__(self, content: Content) -> None:
        self._pieces: Iterator[Piece] = content.hand_over() if isinstance(
            content, ChunkedBuffer) else iter((content,))
        self._rest: Piece = b''
        self._time_slice = TimeSlice()

    def take(self, size: int) -> Iterator[bytes]:
        """The next so many bytes, in pieces.

        Raises
        ------
        ValueError
            There are fewer.
        """
        while size:
            piece = memoryview(self._rest or next(self._pieces, b''))
            if not piece:
                raise ValueError('it has an end before')
            taken, self._rest = piece[:size], piece[size:]
            size -= len(taken)
            yield bytes(taken)
            self._time_slice.yield_if_over()


class _Output(NamedTuple):
    """One output, as far as it is known.

    Attributes
    ----------
    described
        As JSON has it.
    data
        Its rows.
    """

    described: dict[str, Any]
    data: ChunkedBuffer

    @property
    def is_text(self) -> bool:
        return _IS_TEXT in self.described['parameters']

    def add(self, more: dict[str, Any], content: _Content) -> None:
        """Add rows, which come next in an answer."""
        shape, rows = self.described['shape'], more['shape']
        if not rows or not all(type(length) is int for length in rows):
            raise ValueError('a shape that is none')
        if more is not self.described:
            if shape[1:] != rows[1:] or self.described['datatype'] != more['datatype']:
                raise BadRequest(f"output '{self.described['name']}' has another shape or type for "
                                 'each picture: send one in each request')
            shape[0] += rows[0]
        size = more['parameters'][_SIZE]
        if type(size) is not int or size < 0:
            raise ValueError('a size that is none')
        if self.is_text and size and len(self.data):
            self.data.append(b',')
        for piece in content.take(size):
            self.data.append(piece)

    def written(self) -> Iterator[Piece]:
        """As the JSON of the answer has it, in pieces."""
        told = {name: self.described[name] for name in ('name', 'datatype', 'shape')}
        if not self.is_text:
            told['parameters'] = {_SIZE: len(self.data)}
            yield _json(told)
            return
        yield _json(told)[:-1] + b',"data":['
        yield from self.data.hand_over()
        yield b']}'


def _known(reply: Reply, content: _Content) -> dict[str, Any]:
    """The JSON that an answer begins with."""
    size = int(reply.headers[_LENGTH])
    if not 0 <= size <= _MOST_HEAD_BYTES:
        raise ValueError('JSON that has no such length')
    known: dict[str, Any] = json.loads(b''.join(content.take(size)))
    return known


def _reply(first: Reply, known: dict[str, Any], outputs: Sequence[_Output],
           budget: ByteBudget) -> Reply:
    whole = ChunkedBuffer(budget)
    append_pieces(whole, _head(known, outputs))
    size = len(whole)
    append_pieces(whole, (piece for output in outputs if not output.is_text
                    for piece in output.data.hand_over()))
    if len(whole) == size:
        return replace(first, content=whole, content_type=JSON, headers={})
    return replace(first, content=whole, headers={_LENGTH: str(size)})


def _head(known: dict[str, Any], outputs: Sequence[_Output]) -> Iterator[Piece]:
    yield _json(known)[:-1] + b',"outputs":['
    mark = b''
    for output in outputs:
        yield mark
        yield from output.written()
        mark = b','
    yield b']}'


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(',', ':')).encode()

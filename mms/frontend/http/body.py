"""A request's body, read whole: what is in it is the worker's to find out."""

from __future__ import annotations

from socket import timeout
from typing import Any

from werkzeug.exceptions import ClientDisconnected, RequestTimeout
from werkzeug.wsgi import get_content_length

from mms.errors import BadRequest, PayloadTooLarge, RequestError
from mms.frontend.http.received import TooSlow
from mms.runtime.byte_budget import PIECE_BYTES, ByteBudget, ChunkedBuffer


class WrongBody(BadRequest):
    """What a body holds is not what it is said to be, or has to be."""


class UnsupportedEncoding(RequestError):
    """A body is compressed in another way than those that are read."""

    status = 415
    type = 'UnsupportedMediaTypeException'


def read_body(environ: dict[str, Any], most: int, budget: ByteBudget) -> ChunkedBuffer:
    """Body of a request of the WSGI environment `environ`.

    Parameters
    ----------
    environ
        Its ``wsgi.input`` gives way to other requests.
    most
        Bytes that a body may have.
    budget
        Where its bytes count as held.

    Raises
    ------
    PayloadTooLarge
        The body has more.
    BuffersFull
        There is no room for it.
    ClientDisconnected
        It ended too early, or is broken.
    RequestTimeout
        It did not go on for so long that the server gave up.
    """
    length, stream = get_content_length(environ), environ['wsgi.input']
    if length is not None and length > most:
        raise too_large(most)
    body = ChunkedBuffer(budget)
    try:
        if length is not None:
            _read(stream, length, body)
        elif environ.get('wsgi.input_terminated'):
            # Without a length, only some servers know where a body ends.
            _read_to_end(stream, most, body)
        return body
    except TooSlow as error:
        raise RequestTimeout(str(error)) from error
    except timeout as error:
        raise RequestTimeout('The body of the request stopped on its way.') from error
    except (OSError, ValueError) as error:
        raise ClientDisconnected from error


def _read(stream: Any, length: int, body: ChunkedBuffer) -> None:
    while len(body) < length:
        if not body.read(stream.read, length - len(body)):
            raise OSError(f'{len(body)} of {length} bytes came')


def _read_to_end(stream: Any, most: int, body: ChunkedBuffer) -> None:
    while body.read(stream.read, PIECE_BYTES):
        if len(body) > most:
            raise too_large(most)


def too_large(most: int) -> PayloadTooLarge:
    """What is told where a body has more bytes than it may have."""
    return PayloadTooLarge(
        f'The request is larger than the limit of {most} bytes (--max-request-size).')

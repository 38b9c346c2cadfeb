"""What the body of a request is, by what its Content-Type and its first bytes say."""

from __future__ import annotations

from enum import Enum

from mms.ipc.request import JSON, Body
from mms.worker.codecs.form_parser import MULTIPART, URLENCODED
from mms.worker.codecs.picture_start import starts_as_picture

# Those of any bytes; clients of SageMaker call a picture the second.
_BYTES_TYPES = frozenset({'application/octet-stream', 'application/x-image'})
# Enough to tell a form by.
_HEAD_BYTES = 1024


class BodyKind(Enum):
    """Who reads a body."""

    FORM = 'form'
    JSON = 'json'
    PICTURE = 'picture'


def body_kind(media_type: str, body: Body) -> BodyKind:
    """Who reads a body; of what is nothing that anybody reads, the reader of forms says so.

    Parameters
    ----------
    media_type
        In small letters, without parameters.
    """
    if media_type in (MULTIPART, URLENCODED) or _is_form(body):
        return BodyKind.FORM
    if media_type == JSON:
        return BodyKind.JSON if body[:_HEAD_BYTES].strip() else BodyKind.FORM
    if media_type.startswith('image/') or media_type in _BYTES_TYPES:
        return BodyKind.PICTURE if body else BodyKind.FORM
    is_picture = not media_type and starts_as_picture(body)
    return BodyKind.PICTURE if is_picture else BodyKind.FORM


def _is_form(body: Body) -> bool:
    """Whether it is one whose type was set by hand."""
    return body.startswith(b'--') and b'form-data' in body[:_HEAD_BYTES]

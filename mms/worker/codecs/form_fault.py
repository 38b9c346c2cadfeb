"""Why an input is not in a request: it was left out, or the body is not the form that it should be.

Only a request that is refused gets here, so that the others do not pay for it.
"""

from __future__ import annotations

from typing import Optional

from werkzeug.http import parse_options_header

from mms.errors import BadRequest
from mms.ipc.request import API_DESCRIPTION, JSON, Body, Request
from mms.worker.codecs.form_parser import MULTIPART, URLENCODED, Form
from mms.worker.codecs.picture_start import starts_as_picture

# Where a client finds what is expected.
DETAILS = f'End point details can be found here:{API_DESCRIPTION}'
# Enough to tell what a body is.
_HEAD_BYTES = 1024
# Enough to recognise a type or a boundary by.
_SHOWN_CHARACTERS = 100


def missing_input(name: str, request: Request, form: Form) -> BadRequest:
    """The error for an input that is not in a form.

    Parameters
    ----------
    name
        The `data_name` of the input.
    form
        What could be read of the request.
    """
    kind, options = parse_options_header(request.content_type)
    kind, fault = kind.lower(), None
    head = bytes(request.body[:_HEAD_BYTES]).lstrip()
    if kind != MULTIPART and head:
        fault = _other_fault(name, kind, head)
    elif head and not any((*form.fields, *form.parts)):
        fault = _multipart_fault(options.get('boundary', ''), request.body, head)
    return fault or BadRequest(f'This end point is expecting a data_name of {name}. {DETAILS}')


def _multipart_fault(boundary: str, body: Body, head: bytes) -> Optional[BadRequest]:
    """A multipart form of which nothing could be read."""
    line = f'--{boundary}'
    marker, shown = line.encode('latin-1', 'replace'), _shown(line)
    if not boundary:
        return BadRequest('The Content-Type multipart/form-data names no boundary, by which the '
                          'parts of the form are told apart: let the HTTP library set this '
                          f'header. {DETAILS}')
    if marker not in body:
        return BadRequest(f'The boundary {shown} that the Content-Type names is nowhere in the '
                          f'body: let the HTTP library set this header. {DETAILS}')
    if marker + b'--' not in body:
        return BadRequest(f'The form is cut off: its last boundary, {shown}--, is missing. '
                          f'{DETAILS}')
    if head.startswith(marker + b'--'):
        return None
    return BadRequest('The form cannot be read: each of its parts needs a header such as '
                      f'Content-Disposition: form-data; name="data". {DETAILS}')


def _other_fault(name: str, kind: str, head: bytes) -> Optional[BadRequest]:
    """A body that its Content-Type does not call multipart."""
    if starts_as_picture(head):
        return BadRequest(f'The body is a picture and not a form: send it as the part {name} of a '
                          f'{MULTIPART} form, as curl -F "{name}=@FILE" does, or as it is with '
                          f'Content-Type: image/jpeg. {DETAILS}')
    if head[:1] in (b'{', b'['):
        return BadRequest(f'The body is JSON and not a form: send {name} as a field of a '
                          f'{MULTIPART} form, as curl -F "{name}=[[1, 2]]" does, or an object such '
                          f'as {{"{name}": [[1, 2]]}} with Content-Type: {JSON}. {DETAILS}')
    if head.startswith(b'--') and b'form-data' in head:
        return BadRequest('The body is a form, but its Content-Type says '
                          f'{_shown(kind) or "nothing"}: let the HTTP library set this header. '
                          f'{DETAILS}')
    if kind == URLENCODED:
        return None
    return BadRequest(f'The body is no form: its Content-Type is {_shown(kind) or "missing"}, and '
                      f'{MULTIPART} or {JSON} is expected. {DETAILS}')


def _shown(text: str) -> str:
    text = text.encode('ascii', 'backslashreplace').decode('ascii')
    return text if len(text) <= _SHOWN_CHARACTERS else f'{text[:_SHOWN_CHARACTERS]}...'

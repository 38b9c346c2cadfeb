"""Raw inputs of a request, checked and made into what `_preprocess` takes.

Everything that a client can get wrong about its data is found here, before the
service's code or MXNet's decoder sees it (an empty picture makes OpenCV abort
the process).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.worker.codecs.form import RawInput
from mms.worker.codecs.incorrect import incorrect
from mms.worker.codecs.list_text import Unreadable, value_of
from mms.worker.codecs.picture import read_picture


def read_inputs(
    inputs: Sequence[RawInput], signature: Mapping[str, Any], max_image_pixels: int,
) -> list[Any]:
    """Turn raw inputs into what a service's `_preprocess` takes.

    Parameters
    ----------
    inputs
        One per input of the signature, in its order.
    signature
        Its ``input_type`` says what the inputs are, save those that have one themselves.
    max_image_pixels
        Largest width times height of a picture, in pixels.

    Returns
    -------
    list
        Bytes for each ``image/jpeg`` input, a parsed list for each
        ``application/json`` input.

    Raises
    ------
    BadRequest
        An input is not what its type says.
    """
    return [read_picture(item, max_image_pixels) if kind == IMAGE_TYPE else read_list(item)
            for item, kind in zip(inputs, input_types(signature))]


def read_list(item: RawInput) -> list[Any]:
    """List in a form field, or a file part, that holds JSON or a Python literal.

    Raises
    ------
    BadRequest
    """
    try:
        value = value_of(item.data)
    except Unreadable as error:
        raise incorrect(item.name, str(error)) from None
    return checked_list(item.name, value)


def checked_list(name: str, value: Any) -> list[Any]:
    """The value of an input, which has to be a list.

    Raises
    ------
    BadRequest
    """
    if not isinstance(value, list):
        raise incorrect(
            name, f'application/json is expected but got {type(value)} instead of list')
    return value

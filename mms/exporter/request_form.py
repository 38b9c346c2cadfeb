"""What requests to a network look like: its ``signature.json``, made of shapes and a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional

from mms.archive.signature import (
    AS_IS,
    IMAGE_TYPE,
    JSON_TYPE,
    LISTS,
    MEDIA_TYPES,
    OUTPUT_FORMAT,
    PREPROCESS,
    PREPROCESSINGS,
    validate_signature,
)
from mms.errors import ExportError

# [batch, channels, height, width], in colour or grey.
_PICTURE_DIMENSIONS, _PICTURE_CHANNELS = 4, (1, 3)


class RequestForm(NamedTuple):
    """How clients ask.

    Attributes
    ----------
    signature
        What ``signature.json`` holds.
    remark
        What was assumed, and may be wrong; an empty string for nothing.
    """

    signature: dict[str, Any]
    remark: str = ''


def request_form(
    inputs: Mapping[str, Sequence[int]], outputs: Sequence[tuple[str, Sequence[int]]],
    has_labels: bool, preprocess: Optional[str], input_type: Optional[str]
) -> RequestForm:
    """The form of requests to a network.

    Its inputs are pictures where that is said, or where there are labels, and they have the shape
    of one.

    Parameters
    ----------
    inputs, outputs
        Names and shapes.
    has_labels
        Whether the answer names classes.
    preprocess
        What becomes of the values of a picture: one of `PREPROCESSINGS`.
    input_type
        One of `MEDIA_TYPES`, where it is to be no guess.

    Raises
    ------
    ExportError
        What was said is none of these, or there is no picture for it.
    """
    _check_word('preprocess', preprocess, PREPROCESSINGS)
    _check_word('input_type', input_type, MEDIA_TYPES)
    pictures = {name for name, shape in inputs.items() if _is_picture(shape)}
    takes_pictures = bool(pictures) if input_type is None else input_type == IMAGE_TYPE
    if takes_pictures and not pictures:
        raise ExportError(f"input_type='{IMAGE_TYPE}' is for [batch, channels, height, width] with "
                          f'1 or 3 channels, and the inputs are {_shapes(inputs)}')
    if preprocess is not None and not takes_pictures:
        raise ExportError('preprocess= is for pictures, [batch, channels, height, width] with 1 or '
                          f'3 channels, and the inputs are {_shapes(inputs)}')
    if input_type is None and preprocess is None and not has_labels:
        takes_pictures = False
    signature: dict[str, Any] = {
        'inputs': [_entry(name, shape, takes_pictures and name not in pictures)
                   for name, shape in inputs.items()],
        'input_type': IMAGE_TYPE if takes_pictures else JSON_TYPE,
        'outputs': [{'data_name': name, 'data_shape': list(shape)} for name, shape in outputs],
        'output_type': JSON_TYPE}
    if takes_pictures:
        signature[PREPROCESS] = preprocess or AS_IS
    if not has_labels:
        signature[OUTPUT_FORMAT] = LISTS
    guessed = takes_pictures and preprocess is None
    return RequestForm(validate_signature(signature, 'inputs='), _AS_IS_REMARK * guessed)


_AS_IS_REMARK = (
    "preprocess= was not given: pictures reach the network with values 0 to 255. One that was "
    "trained on ToTensor() wants preprocess='0-1', one of the model zoo preprocess='imagenet'; "
    "preprocess='none' says that this is right")


def _check_word(name: str, word: Optional[str], words: Sequence[str]) -> None:
    if word is not None and word not in words:
        raise ExportError(f"{name}={word!r} is none of {', '.join(map(repr, words))}")


def _is_picture(shape: Sequence[int]) -> bool:
    return len(shape) == _PICTURE_DIMENSIONS and shape[1] in _PICTURE_CHANNELS


def _entry(name: str, shape: Sequence[int], is_other: bool) -> dict[str, Any]:
    """An input; a tensor beside a picture has a type of its own."""
    own = {'input_type': JSON_TYPE} if is_other else {}
    return {'data_name': name, 'data_shape': list(shape), **own}


def _shapes(inputs: Mapping[str, Sequence[int]]) -> str:
    return ', '.join(f'{name!r} {list(shape)}' for name, shape in inputs.items())

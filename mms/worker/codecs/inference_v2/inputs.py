"""Tensors as what `_preprocess` takes: bytes of a picture, or a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.worker.codecs.form import FROM_FIELD, FROM_PART, RawInput
from mms.worker.codecs.inference_v2.list_cost import NUMBER, SMALL, TEXT, check_cost
from mms.worker.codecs.inference_v2.tensor import BYTES, Tensor
from mms.worker.codecs.inference_v2.wrong import wrong
from mms.worker.codecs.picture import read_picture

_UINT8 = 'UINT8'
# Of a text, what says how long it is.
_PREFIX = 4


def check_names(tensors: Sequence[Tensor], signature: Mapping[str, Any]) -> None:
    """See that there is one tensor for each input of the signature.

    Raises
    ------
    BadRequest
    """
    names = [entry['data_name'] for entry in signature['inputs']]
    given = {tensor.name for tensor in tensors}
    for tensor in tensors:
        if tensor.name not in names:
            raise wrong(f"unexpected inference input '{tensor.name}': the model takes "
                        f"{', '.join(names)}")
    if len(given) < len(tensors):
        raise wrong('two inputs have the same name')
    missing = [name for name in names if name not in given]
    if missing:
        raise wrong(f"expected {len(names)} inputs but got {len(tensors)}: "
                    f"{', '.join(missing)} is missing")


def read_inputs(tensors: Sequence[Tensor], signature: Mapping[str, Any], max_image_pixels: int,
                takes_arrays: bool) -> list[Any]:
    """One entry an input of the signature, in its order.

    Parameters
    ----------
    tensors
        One for each of them.
    takes_arrays
        Whether the service takes an array where others get a list.

    Raises
    ------
    BadRequest
    """
    by_name = {tensor.name: tensor for tensor in tensors}
    named = [by_name[entry['data_name']] for entry in signature['inputs']]
    return [_picture(tensor, max_image_pixels) if kind == IMAGE_TYPE
            else _list(tensor, takes_arrays)
            for tensor, kind in zip(named, input_types(signature))]


def _picture(tensor: Tensor, max_image_pixels: int) -> bytes:
    if tensor.datatype == _UINT8:
        return read_picture(RawInput(tensor.name, FROM_PART, tensor.values.tobytes()),
                            max_image_pixels)
    if tensor.datatype != BYTES:
        raise wrong(f"input '{tensor.name}' is a picture, which is BYTES, not {tensor.datatype}")
    if len(tensor.values) != 1:
        raise wrong(f"input '{tensor.name}' holds no picture")
    picture = tensor.values[0]
    if isinstance(picture, bytes):
        return read_picture(RawInput(tensor.name, FROM_PART, picture), max_image_pixels)
    # JSON has no bytes: it holds them in base64.
    return read_picture(RawInput(tensor.name, FROM_FIELD, picture.encode('utf-8', 'replace')),
                        max_image_pixels)


def _list(tensor: Tensor, takes_arrays: bool) -> Any:
    if tensor.datatype == BYTES:
        return _texts(tensor)
    if takes_arrays:
        return tensor.values
    values = tensor.values
    check_cost(tensor.name, tensor.shape, values.nbytes, SMALL if values.itemsize == 1 else NUMBER)
    return _in_list(values)


def _texts(tensor: Tensor) -> list[Any]:
    size = sum(_PREFIX + len(value) for value in tensor.values)
    check_cost(tensor.name, tensor.shape, size, TEXT)
    array = np.empty(len(tensor.values), object)
    array[:] = [_text(tensor.name, value) for value in tensor.values]
    return _in_list(array.reshape(tensor.shape))


def _in_list(array: Any) -> list[Any]:
    """What a service takes is a list, whatever it holds."""
    values = array.tolist()
    return values if isinstance(values, list) else [values]


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return bytes(value).decode('utf-8')
    except UnicodeDecodeError:
        raise wrong(f"input '{name}' holds bytes that are no text in UTF-8") from None

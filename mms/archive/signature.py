"""``signature.json``: the names, shapes and media types of a model's inputs and outputs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Optional

from mms.archive.json_file import brief, kind_of, read_json
from mms.archive.limits import (
    DIMENSIONS,
    LENGTH,
    NAME_CHARACTERS,
    SIGNATURE_BYTES,
    TENSORS,
)
from mms.errors import SignatureError

SIGNATURE_FILE = 'signature.json'
IMAGE_TYPE = 'image/jpeg'
JSON_TYPE = 'application/json'
MEDIA_TYPES = [IMAGE_TYPE, JSON_TYPE]
# An optional key, and how a service gives an output that it does not make something else of.
OUTPUT_FORMAT = 'output_format'
TEXT, LISTS = OUTPUT_FORMATS = ('text', 'lists')
# An optional key, and what becomes of a picture's values before the network: 0 to 255 as they are,
# 0 to 1, or those normalized with ImageNet's mean and deviation.
PREPROCESS = 'preprocess'
AS_IS, ZERO_TO_ONE, IMAGENET = PREPROCESSINGS = ('none', '0-1', 'imagenet')
# Of RGB, and any.
_COLOUR = (3, 0)
# An optional key of an input or an output: what its numbers are to those who send tensors.
DATATYPE = 'datatype'
DATATYPES = ('BOOL', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64',
             'FP16', 'FP32', 'FP64', 'BF16', 'BYTES')
# Of an input of a live signature: its first dimension is 1 in a network that takes any there.
ANY_BATCH = 'any_batch'
# An optional key: whether a request of JSON has several entries, and its answer is a list.
BATCH = 'batch_requests'


def read_signature(path: str, where: Optional[str] = None) -> dict[str, Any]:
    """Read and check a signature file.

    Parameters
    ----------
    path
        The file.
    where
        What to call the file in messages, when that is not its path.

    Raises
    ------
    SignatureError
        The file is missing, is not JSON or breaks the schema.
    """
    if not os.path.isfile(path):
        folder, name = os.path.split(path)
        raise SignatureError(f'{name} is not found in {folder or os.curdir}.')
    where = where or path
    return validate_signature(read_json(path, where, SignatureError, SIGNATURE_BYTES), where)


def validate_signature(signature: Any, where: str) -> dict[str, Any]:
    """Return `signature` if it keeps to the schema.

    ``inputs`` and ``outputs`` are lists of ``{'data_name': str, 'data_shape':
    [int, ...]}``, where 0 stands for any length; ``input_type`` and
    ``output_type`` are ``image/jpeg`` or ``application/json``. An input may have an
    ``input_type`` of its own, and one of ``application/json`` a ``sample``, a list as a
    request would send it. There may be an ``output_format``: ``text`` or ``lists``, a
    ``batch_requests``: true or false, and where an input is a picture, a ``preprocess``: ``none``,
    ``0-1`` or ``imagenet``.

    Raises
    ------
    SignatureError
        The message starts with `where` and names what is wrong.
    """
    if not isinstance(signature, dict):
        raise SignatureError(f'{where}: a signature must be an object, not {kind_of(signature)}')
    _check_types(signature, where)
    if 'inputs' not in signature or 'outputs' not in signature:
        raise SignatureError(f'{where}: inputs and outputs must be there, as lists')
    for field in ('inputs', 'outputs'):
        _check_tensors(signature[field], field, where)
    _check_unique([entry['data_name'] for entry in signature['inputs']], where)
    _check_own_types(signature['inputs'], where)
    _check_samples(signature, where)
    _check_output_format(signature, where)
    _check_preprocess(signature, where)
    _check_batch(signature, where)
    return signature


def input_types(signature: Mapping[str, Any]) -> list[str]:
    """The media type of each input: its own, else that of all."""
    of_all = signature.get('input_type', JSON_TYPE)
    return [entry.get('input_type', of_all) for entry in signature['inputs']]


def _check_types(signature: dict[str, Any], where: str) -> None:
    if 'input_type' not in signature or 'output_type' not in signature:
        raise SignatureError(f'{where}: input_type and output_type are required in signature.')
    got = signature['input_type'], signature['output_type']
    if not all(isinstance(media_type, str) for media_type in got):
        raise SignatureError(f'{where}: input_type and output_type must be strings')
    if not all(media_type in MEDIA_TYPES for media_type in got):
        raise SignatureError(f'{where}: Valid type should be picked from {MEDIA_TYPES}. '
                             f'input_type is {brief(got[0])}, output_type is {brief(got[1])}')


def _check_tensors(tensors: Any, field: str, where: str) -> None:
    if not isinstance(tensors, list):
        raise SignatureError(f'{where}: {field} must be a list, not {kind_of(tensors)}')
    if len(tensors) > TENSORS:
        raise SignatureError(f'{where}: {field} has {len(tensors)} entries; {TENSORS} are the '
                             'most')
    for index, tensor in enumerate(tensors):
        _check_tensor(tensor, f'{where}: {field}[{index}]')


def _check_tensor(tensor: Any, where: str) -> None:
    if not isinstance(tensor, dict):
        raise SignatureError(f'{where} must be an object, not {kind_of(tensor)}')
    for key in ('data_name', 'data_shape'):
        if key not in tensor:
            raise SignatureError(f'{where}: {key} is missing')
    if tensor.get(DATATYPE, DATATYPES[0]) not in DATATYPES:
        raise SignatureError(f"{where}: {DATATYPE} must be one of {', '.join(DATATYPES)}, not "
                             f'{brief(repr(tensor[DATATYPE]))}')
    name, shape = tensor['data_name'], tensor['data_shape']
    if not isinstance(name, str) or not name:
        raise SignatureError(f'{where}: data_name must be a string that is not empty')
    if any('\ud800' <= character <= '\udfff' for character in name):
        # As JSON may have it; what holds it is no JSON to many who read it, nor any other text.
        raise SignatureError(f'{where}: data_name {brief(repr(name))} holds half a character '
                             '(a surrogate), which no client can send')
    if len(name) > NAME_CHARACTERS:
        raise SignatureError(f'{where}: data_name has {len(name)} characters; {NAME_CHARACTERS} '
                             'are the most')
    if isinstance(shape, list) and len(shape) > DIMENSIONS:
        raise SignatureError(f'{where}: data_shape has {len(shape)} dimensions; {DIMENSIONS} are '
                             f'the most, for {name!r}')
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise SignatureError(f'{where}: data_shape must be a list of whole numbers, 0 or more, '
                             f'for {name!r}')
    if any(length > LENGTH for length in shape):
        raise SignatureError(f'{where}: data_shape has a length above {LENGTH}, for {name!r}')


def _check_samples(signature: dict[str, Any], where: str) -> None:
    for entry, kind in zip(signature['inputs'], input_types(signature)):
        name, sample = entry['data_name'], entry.get('sample', [])
        if 'sample' in entry and kind != JSON_TYPE:
            raise SignatureError(f'{where}: {name!r} has a sample, which is for inputs of '
                                 f'{JSON_TYPE} only')
        if not isinstance(sample, list):
            raise SignatureError(f'{where}: the sample of {name!r} must be a list, as a request '
                                 f'sends it, not {kind_of(sample)}')


def _check_unique(names: list[str], where: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SignatureError(f'{where}: two inputs have the data_name {name!r}')
        seen.add(name)


def _check_own_types(inputs: list[dict[str, Any]], where: str) -> None:
    for index, entry in enumerate(inputs):
        if entry.get('input_type', JSON_TYPE) not in MEDIA_TYPES:
            raise SignatureError(f'{where}: inputs[{index}]: Valid type should be picked from '
                                 f"{MEDIA_TYPES}. input_type is {brief(repr(entry['input_type']))}")


def _check_batch(signature: dict[str, Any], where: str) -> None:
    if not isinstance(signature.get(BATCH, False), bool):
        raise SignatureError(f'{where}: batch_requests must be true or false, not '
                             f'{brief(repr(signature[BATCH]))}')


def _check_output_format(signature: dict[str, Any], where: str) -> None:
    if OUTPUT_FORMAT not in signature:
        return
    chosen = signature[OUTPUT_FORMAT]
    if chosen not in OUTPUT_FORMATS:
        raise SignatureError(f'{where}: {OUTPUT_FORMAT} must be one of '
                             f"{', '.join(OUTPUT_FORMATS)}, not {brief(repr(chosen))}")


def _check_preprocess(signature: dict[str, Any], where: str) -> None:
    if PREPROCESS not in signature:
        return
    chosen = signature[PREPROCESS]
    if chosen not in PREPROCESSINGS:
        raise SignatureError(f'{where}: {PREPROCESS} must be one of '
                             f"{', '.join(PREPROCESSINGS)}, not {brief(repr(chosen))}")
    pictures = [entry for entry, kind in zip(signature['inputs'], input_types(signature))
                if kind == IMAGE_TYPE]
    if not pictures:
        raise SignatureError(f'{where}: {PREPROCESS} is for inputs of {IMAGE_TYPE}, and there is '
                             'none')
    for entry in pictures if chosen == IMAGENET else ():
        shape = entry['data_shape']
        if len(shape) > 1 and shape[1] not in _COLOUR:
            raise SignatureError(f"{where}: the data_shape of {entry['data_name']!r} is {shape}; "
                                 f'{PREPROCESS} {IMAGENET} is for three channels')

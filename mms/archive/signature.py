"""``signature.json``: the names, shapes and media types of a model's inputs and outputs."""

from __future__ import annotations

import os
from typing import Any, Optional

from mms.archive.json_file import kind_of, read_json
from mms.errors import SignatureError

SIGNATURE_FILE = 'signature.json'
IMAGE_TYPE = 'image/jpeg'
JSON_TYPE = 'application/json'
MEDIA_TYPES = [IMAGE_TYPE, JSON_TYPE]


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
    return validate_signature(read_json(path, where, SignatureError), where)


def validate_signature(signature: Any, where: str) -> dict[str, Any]:
    """Return `signature` if it keeps to the schema.

    ``inputs`` and ``outputs`` are lists of ``{'data_name': str, 'data_shape':
    [int, ...]}``, where 0 stands for any length; ``input_type`` and
    ``output_type`` are ``image/jpeg`` or ``application/json``. An input of
    ``application/json`` may have a ``sample``, a list as a request would send it.

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
    _check_samples(signature, where)
    _check_unique([entry['data_name'] for entry in signature['inputs']], where)
    return signature


def _check_types(signature: dict[str, Any], where: str) -> None:
    if 'input_type' not in signature or 'output_type' not in signature:
        raise SignatureError(f'{where}: input_type and output_type are required in signature.')
    got = signature['input_type'], signature['output_type']
    if not all(isinstance(media_type, str) for media_type in got):
        raise SignatureError(f'{where}: input_type and output_type must be strings')
    if not all(media_type in MEDIA_TYPES for media_type in got):
        raise SignatureError(f'{where}: Valid type should be picked from {MEDIA_TYPES}. '
                             f'input_type is {got[0]}, output_type is {got[1]}')


def _check_tensors(tensors: Any, field: str, where: str) -> None:
    if not isinstance(tensors, list):
        raise SignatureError(f'{where}: {field} must be a list, not {kind_of(tensors)}')
    for index, tensor in enumerate(tensors):
        _check_tensor(tensor, f'{where}: {field}[{index}]')


def _check_tensor(tensor: Any, where: str) -> None:
    if not isinstance(tensor, dict):
        raise SignatureError(f'{where} must be an object, not {kind_of(tensor)}')
    for key in ('data_name', 'data_shape'):
        if key not in tensor:
            raise SignatureError(f'{where}: {key} is missing')
    name, shape = tensor['data_name'], tensor['data_shape']
    if not isinstance(name, str) or not name:
        raise SignatureError(f'{where}: data_name must be a string that is not empty')
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise SignatureError(f'{where}: data_shape must be a list of whole numbers, 0 or more, '
                             f'for {name!r}')


def _check_samples(signature: dict[str, Any], where: str) -> None:
    for entry in signature['inputs']:
        name, sample = entry['data_name'], entry.get('sample', [])
        if 'sample' in entry and entry.get('input_type', signature['input_type']) != JSON_TYPE:
            raise SignatureError(f'{where}: {name!r} has a sample, which is for inputs of '
                                 f'{JSON_TYPE} only')
        if not isinstance(sample, list):
            raise SignatureError(f'{where}: the sample of {name!r} must be a list, as a request '
                                 f'sends it, not {kind_of(sample)}')


def _check_unique(names: list[str], where: str) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise SignatureError(f'{where}: two inputs have the data_name {name!r}')

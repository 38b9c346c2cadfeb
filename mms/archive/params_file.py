"""``.params``: what MXNet would take memory for before it finds a file to be broken.

The layout is that of ``NDArray::Save`` in MXNet's ``src/ndarray/ndarray.cc``. Only what is sure to
be wrong is refused; whatever is not known here is left to MXNet.
"""

from __future__ import annotations

import math
import os
import struct
from typing import BinaryIO, Optional

from mms.archive.limits import ARRAYS, DIMENSIONS
from mms.errors import StartupError

_LIST = (0x112).to_bytes(8, 'little')
_V1, _V2, _V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_DENSE = 0
# Bytes of one number, by MXNet's type flag.
_BYTES = (4, 8, 2, 1, 4, 1, 8, 1, 2, 2, 4, 8, 2)
# An array has its dimensions at least, and a name its length.
_LEAST_BYTES = 4


class _Broken(Exception):
    """The text says what is wrong."""


class _Unknown(Exception):
    """The rest is left to MXNet."""


def check_params(path: str, where: str, error: type[StartupError]) -> None:
    """See that a parameter file claims no more than it holds; its numbers are not read.

    Parameters
    ----------
    path
        The file; one that is not there, or of another form, passes.
    where
        What to call it in messages.
    error
        The class of the error that is raised.

    Raises
    ------
    StartupError
        An `error`.
    """
    try:
        with open(path, 'rb') as file:
            _walk(file, os.fstat(file.fileno()).st_size)
    except (OSError, _Unknown):
        return
    except _Broken as reason:
        raise error(f'{where} is a broken parameter file: {reason}') from None


def _walk(file: BinaryIO, size: int) -> None:
    if file.read(len(_LIST)) != _LIST:
        raise _Unknown
    _, count = _numbers(file, '<QQ')
    _check_count(count, 'arrays', file, size)
    if count > ARRAYS:
        raise _Broken(f'it has {count} arrays; {ARRAYS} are the most')
    for number in range(count):
        _pass_array(file, size, number)
    names, = _numbers(file, '<Q')
    if names not in (0, count):
        raise _Broken(f'it has {count} arrays and {names} names')
    for _ in range(names):
        length, = _numbers(file, '<Q')
        _pass(file, length, 'a name', size)


def _pass_array(file: BinaryIO, size: int, number: int) -> None:
    magic, = _numbers(file, '<I')
    if magic in (_V2, _V3) and _numbers(file, '<i')[0] != _DENSE:
        raise _Unknown
    shape = _shape(file, magic, number)
    if shape is None or (not shape and magic != _V3):
        return
    *_, kind = _numbers(file, '<iii')
    if not 0 <= kind < len(_BYTES) or any(length < 0 for length in shape):
        raise _Unknown
    _pass(file, math.prod(shape) * _BYTES[kind], f'array {number}', size)


def _shape(file: BinaryIO, magic: int, number: int) -> Optional[tuple[int, ...]]:
    """None for an array that has none."""
    of_old = magic not in (_V1, _V2, _V3)
    dimensions = magic if of_old else _numbers(file, '<i')[0]
    if dimensions > DIMENSIONS:
        raise _Broken(f'array {number} has {dimensions} dimensions')
    if dimensions < 0:
        return None
    return _numbers(file, f'<{dimensions}{"I" if of_old else "q"}')


def _check_count(count: int, what: str, file: BinaryIO, size: int) -> None:
    left = size - file.tell()
    if count * _LEAST_BYTES > left:
        raise _Broken(f'it claims to have {count} {what}, and has {left} bytes')


def _pass(file: BinaryIO, length: int, what: str, size: int) -> None:
    left = size - file.tell()
    if length > left:
        raise _Broken(f'{what} claims to have {length} bytes, and there are {left}')
    file.seek(length, os.SEEK_CUR)


def _numbers(file: BinaryIO, form: str) -> tuple[int, ...]:
    data = file.read(struct.calcsize(form))
    if len(data) < struct.calcsize(form):
        raise _Broken('it ends too early')
    return struct.unpack(form, data)

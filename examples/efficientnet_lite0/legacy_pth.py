"""Reads PyTorch's legacy ``.pth`` files without PyTorch.

Such a file is pickles one after another (magic number, protocol, system info, the state
dict, the keys of its storages), then each storage: an int64 element count and the raw
little-endian numbers. Layout: ``torch.serialization._legacy_save``.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from mms.errors import ExportError

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
COUNT = np.dtype('<i8')
STORAGE_DTYPES = {'FloatStorage': '<f4', 'LongStorage': '<i8'}


class Storage(NamedTuple):
    """A flat run of numbers that tensors look into."""

    dtype: str
    key: str
    length: int


class Tensor(NamedTuple):
    """A strided view of a storage; offset and strides in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor(storage: Storage, offset: int, shape: tuple[int, ...],
                    strides: tuple[int, ...], requires_grad: bool, hooks: Any) -> Tensor:
    return Tensor(storage, offset, shape, strides)


ALLOWED = {
    ('collections', 'OrderedDict'): OrderedDict,
    ('torch._utils', '_rebuild_tensor_v2'): _rebuild_tensor,
    **{('torch', name): dtype for name, dtype in STORAGE_DTYPES.items()},
}


class RestrictedUnpickler(pickle.Unpickler):
    """Knows the few globals that a state dict of float and long tensors needs."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for a global, or raise for any that is not needed."""
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f'it asks for the global {module}.{name}') from None

    def persistent_load(self, pid: Any) -> Storage:
        """Return what a persistent id ``('storage', dtype, key, device, length, None)`` names."""
        kind, dtype, key, _device, length, view = pid
        if kind != 'storage' or view is not None:
            raise pickle.UnpicklingError(f'it holds a persistent id of kind {kind!r}')
        return Storage(dtype, key, length)


def read_legacy_pth(data: bytes, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a legacy ``.pth`` file's state dict.

    Parameters
    ----------
    data
        The file's bytes.
    name
        What error messages call the file.

    Returns
    -------
    dict of str to ndarray
        float32 and int64 arrays, contiguous, by their PyTorch names, in the file's order.

    Raises
    ------
    ExportError
        `data` is no such file, or asks for a global that a state dict does not need.
    """
    try:
        return _read(io.BytesIO(data))
    # Broad, since pickle's documentation lets broken data raise anything.
    except Exception as error:
        raise ExportError(f'{name} is not a legacy .pth file that can be read safely: '
                          f'{str(error) or type(error).__name__}') from error


def _read(stream: BinaryIO) -> dict[str, np.ndarray]:
    magic, protocol, _system, tensors, keys = (
        RestrictedUnpickler(stream).load() for _ in range(5))
    if (magic, protocol) != (MAGIC_NUMBER, PROTOCOL):
        raise ValueError('its magic number or protocol is another')
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    numbers = {key: _read_storage(stream, storages[key]) for key in keys}
    return {name: _view(tensor, numbers[tensor.storage.key]) for name, tensor in tensors.items()}


def _read_storage(stream: BinaryIO, storage: Storage) -> np.ndarray:
    (length,) = np.frombuffer(stream.read(COUNT.itemsize), COUNT)
    if length != storage.length:
        raise ValueError(f'storage {storage.key} has {length} numbers, not {storage.length}')
    dtype = np.dtype(storage.dtype)
    data = stream.read(storage.length * dtype.itemsize)
    if len(data) != storage.length * dtype.itemsize:
        raise ValueError(f'storage {storage.key} is cut short')
    return np.frombuffer(data, dtype)


def _view(tensor: Tensor, numbers: np.ndarray) -> np.ndarray:
    steps = list(zip(tensor.shape, tensor.strides))
    last = tensor.offset + sum((size - 1) * stride for size, stride in steps)
    # as_strided checks no bounds itself.
    if min(tensor.offset, *tensor.shape, *tensor.strides, 0) < 0 or last >= len(numbers):
        raise ValueError(f'a tensor reaches outside storage {tensor.storage.key}')
    strides = [stride * numbers.itemsize for stride in tensor.strides]
    view = np.lib.stride_tricks.as_strided(numbers[tensor.offset:], tensor.shape, strides)
    return np.ascontiguousarray(view).reshape(tensor.shape)

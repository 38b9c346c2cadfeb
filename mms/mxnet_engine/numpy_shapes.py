"""Files that were saved after ``mx.npx.set_np()``: in their shapes ``()`` is one number and 0 is
none, where MXNet's classic shapes have both stand for what is not known yet.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

from mms.archive.limits import SYMBOL_BYTES, whole_number
from mms.mxnet_compat import mxnet as mx

_OTHER_SHAPES = 'np shape semantics'


def numpy_shapes(wanted: bool) -> contextlib.AbstractContextManager[Any]:
    """Shapes of NumPy in the calling thread; where they are not wanted, nothing changes."""
    return mx.util.np_shape(True) if wanted else contextlib.nullcontext()


def has_numpy_shapes(symbol_path: str) -> bool:
    """Whether a symbol file, which MXNet has read already, was saved with the shapes of NumPy."""
    try:
        if os.path.getsize(symbol_path) > SYMBOL_BYTES:
            return False
        with open(symbol_path, encoding='utf-8', errors='replace') as file:
            marked = json.load(file, strict=False, parse_int=whole_number)['attrs']['is_np_shape']
        return bool(int(marked[-1]))
    except (ValueError, TypeError, LookupError):
        return False


def load_symbol(path: str) -> Any:
    """``mx.sym.load`` with the shapes that the file was saved with."""
    symbol = mx.sym.load(path)
    if not has_numpy_shapes(path):
        return symbol
    with numpy_shapes(True):
        return mx.sym.load(path)


def load_arrays(path: str) -> Any:
    """``mx.nd.load`` with the shapes that the file was saved with."""
    try:
        return mx.nd.load(path)
    except mx.base.MXNetError as error:
        if _OTHER_SHAPES not in str(error):
            raise
    with mx.util.np_shape(not mx.util.is_np_shape()):
        return mx.nd.load(path)

"""MXNet's decoder, kept from pictures that it would not decode, and not say so."""

from __future__ import annotations

import functools
import importlib
from types import ModuleType
from typing import Any, Callable, Union

from mms.mxnet_compat import after_import
from mms.pictures import png
from mms.pictures.faults import PictureFault
from mms.pictures.precheck import check

_GUARDED = '_guarded_by_mms'
# The operators behind mx.image.imdecode and mx.image.imread, for NDArrays and for mx.np arrays.
_OPERATORS = (('mxnet.ndarray._internal', '_cvimdecode', '_cvimread'),
              ('mxnet.ndarray.numpy._internal', 'cvimdecode', 'cvimread'))
# As MXNet says it where it knows.
_UNDECODABLE = 'Decoding failed. Invalid image file.'

Operator = Callable[..., Any]


def guard() -> None:
    """Have MXNet look at a picture before it decodes it; where it is not imported, once it is.

    ``mx.image.imdecode`` and ``mx.image.imread`` then raise ``mxnet.base.MXNetError`` for each
    picture that they cannot decode.
    """
    after_import.call('mxnet', _guard)


def _guard(mxnet: ModuleType) -> None:
    if _GUARDED in vars(mxnet):
        return
    setattr(mxnet, _GUARDED, True)
    for name, decode, read in _OPERATORS:
        module = importlib.import_module(name)
        decoding = _decoding(getattr(module, decode), mxnet)
        setattr(module, decode, decoding)
        setattr(module, read, _reading(getattr(module, read), decoding, mxnet))
    imdecode = _imdecode(mxnet.image.imdecode, mxnet)
    mxnet.image.imdecode = mxnet.image.image.imdecode = imdecode


def _imdecode(original: Operator, mxnet: Any) -> Operator:
    """``mx.image.imdecode``, which makes an array of bytes in 13 µs, where MXNet takes 51: more
    than a look at the picture takes.
    """

    @functools.wraps(original)
    def imdecode(buf: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(buf, (bytes, bytearray)) and buf:
            buf = _array(buf, mxnet.context.current_context(), mxnet.util.is_np_array(), mxnet)
        return original(buf, *args, **kwargs)

    return imdecode


def _decoding(operator: Operator, mxnet: Any) -> Operator:
    @functools.wraps(operator)
    def decode(buf: Any, *args: Any, **kwargs: Any) -> Any:
        data = buf.asnumpy().tobytes()
        try:
            check(data)
            plain = _plain_png(data) if data.startswith(png.START) else data
        except PictureFault as fault:
            raise mxnet.base.MXNetError(f'{_UNDECODABLE} ({fault})') from fault
        if plain is not data:
            buf = _array(plain, buf.context, isinstance(buf, mxnet.np.ndarray), mxnet)
        return operator(buf, *args, **kwargs)

    return decode


def _plain_png(data: bytes) -> bytes:
    plain = png.without_texts(data)
    png.check_pixels(plain)
    return plain


def _reading(operator: Operator, decode: Operator, mxnet: Any) -> Operator:
    @functools.wraps(operator)
    def read(filename: str, *args: Any, **kwargs: Any) -> Any:
        try:
            with open(filename, 'rb') as file:
                data = file.read()
        except OSError:
            return operator(filename, *args, **kwargs)
        if not data:
            raise mxnet.base.MXNetError(f'{_UNDECODABLE} (the file is empty)')
        return decode(_array(data, mxnet.cpu(), mxnet.util.is_np_array(), mxnet), *args, **kwargs)

    return read


def _array(data: Union[bytes, bytearray], context: Any, is_np: bool, mxnet: Any) -> Any:
    """An array of the bytes: an ``mx.np.ndarray`` or an NDArray."""
    numpy = importlib.import_module('numpy')
    array = mxnet.nd.empty((len(data),), context, 'uint8')
    array._sync_copyfrom(numpy.frombuffer(data, dtype='uint8'))
    return array.as_np_ndarray() if is_np else array

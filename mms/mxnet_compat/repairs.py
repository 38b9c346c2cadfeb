"""What is mended in MXNet 1.9.1 itself, since no name of NumPy could."""

from __future__ import annotations

import importlib
import numbers
import struct
import sys
from types import ModuleType
from typing import Any, Callable, NamedTuple


class Repair(NamedTuple):
    """One name of a module of MXNet.

    `why` is what MXNet does there, `since` the release of NumPy that no longer goes
    along, `needed` tells it of the numpy module, and `make` takes the module of MXNet
    and the numpy module and returns the name's new value.
    """

    module: str
    name: str
    why: str
    since: str
    needed: Callable[[Any], bool]
    make: Callable[[Any, Any], Any]


def _says_np(numpy: Any) -> bool:
    return 'np.' in repr(numpy.int64(1))


def _names_results(numpy: Any) -> bool:
    return [int(part) for part in numpy.__version__.split('.')[:2]] >= [1, 25]


def _lacks_tostring(numpy: Any) -> bool:
    return not hasattr(numpy.ndarray, 'tostring')


class _AnyString(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, str)


def _spelling(module: Any, numpy: Any) -> Any:
    class Spelled(str, metaclass=_AnyString):  # type: ignore[misc]
        """``str``, but a NumPy scalar in a tuple or list is spelled as the number it is."""

        def __new__(cls, value: Any = '') -> Any:
            text = str(value)
            if 'np.' not in text or isinstance(value, str):
                return text
            with numpy.printoptions(legacy='1.25'):
                return str(value)

    return Spelled


def _arrays_of_named_tuples(module: Any, numpy: Any) -> Any:
    original = module._as_mx_np_array

    def as_mx_np_array(object: Any, ctx: Any = None) -> Any:
        return original(tuple(object) if hasattr(object, '_fields') else object, ctx)

    return as_mx_np_array


def _pack(module: Any, numpy: Any) -> Any:
    original: Callable[[Any, bytes], bytes] = module.pack

    def pack(header: Any, s: bytes) -> bytes:
        header = module.IRHeader(*header)
        if isinstance(header.label, numbers.Number):
            return original(header, s)
        labels = numpy.asarray(header.label, dtype=numpy.float32)
        content: bytes = labels.tobytes()
        start = struct.pack(module._IR_FORMAT, labels.size, 0, header.id, header.id2)
        return start + content + s

    return pack


def _pack_img(module: Any, numpy: Any) -> Any:
    def pack_img(header: Any, img: Any, quality: int = 95, img_fmt: str = '.jpg') -> bytes:
        cv2 = importlib.import_module('cv2')
        options = {'.jpg': cv2.IMWRITE_JPEG_QUALITY, '.jpeg': cv2.IMWRITE_JPEG_QUALITY,
                   '.png': cv2.IMWRITE_PNG_COMPRESSION}
        option = options.get(img_fmt.lower())
        done, encoded = cv2.imencode(img_fmt, img, None if option is None else [option, quality])
        assert done, 'failed to encode image'
        packed: bytes = module.pack(header, encoded.tobytes())
        return packed

    return pack_img


_SPELLED = 'gives an operator its parameters as str(value): (np.int64(2), 3) is no shape'
_NAMED = 'rebuilds what numpy.linalg.svd, qr and slogdet return from a list, as tuples allow'

REPAIRS = (
    Repair('mxnet._ctypes.ndarray', 'str', _SPELLED, '2.0', _says_np, _spelling),
    Repair('mxnet._ctypes.symbol', 'str', _SPELLED, '2.0', _says_np, _spelling),
    Repair('mxnet.symbol.symbol', 'str', 'writes the shape of a variable as str(shape)', '2.0',
           _says_np, _spelling),
    Repair('mxnet.io.io', 'str', 'gives a data iterator its parameters as str(value)', '2.0',
           _says_np, _spelling),
    Repair('mxnet.numpy.multiarray', '_as_mx_np_array', _NAMED, '1.25', _names_results,
           _arrays_of_named_tuples),
    Repair('mxnet.recordio', 'pack', 'writes several labels with ndarray.tostring', '2.3',
           _lacks_tostring, _pack),
    Repair('mxnet.recordio', 'pack_img', 'reads the encoded picture with ndarray.tostring', '2.3',
           _lacks_tostring, _pack_img),
)
_MENDED = '_mended_by_mms'


def apply(mxnet: ModuleType) -> None:
    """Put every repair that this NumPy makes necessary into an imported MXNet, once."""
    if vars(mxnet).setdefault(_MENDED, []):
        return
    numpy = sys.modules['numpy']
    for repair in REPAIRS:
        if repair.needed(numpy):
            module = importlib.import_module(repair.module)
            setattr(module, repair.name, repair.make(module, numpy))
            vars(mxnet)[_MENDED].append((repair.module, repair.name))

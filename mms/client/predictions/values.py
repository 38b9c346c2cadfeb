"""Values for a model's inputs, as the parts of a form.

What cannot be sent is a :class:`WrongUse`. To read a file and to write a picture takes time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Optional, Union

from mms.client.predictions.description import Input, Inputs
from mms.client.predictions.errors import WrongUse
from mms.client.predictions.pictures import array_png, is_pillow, pillow_png, type_of

_ARRAY_FILE = '.npy'
# A text that begins so is the list itself, as JSON or a Python literal; another one is a path.
_BRACKETS = ('[', '(', '{')

# What the form calls a file that has no name.
_UNNAMED = 'picture'


class Part(NamedTuple):
    """A part of a form.

    Attributes
    ----------
    filename, content_type
        None for a field that is no file.
    """

    name: str
    content: bytes
    filename: Optional[str] = None
    content_type: Optional[str] = None


def parts_of(model: str, inputs: Inputs, given: Any) -> list[Part]:
    """The parts to send.

    Parameters
    ----------
    model
        Its name, for messages.
    inputs
        What it takes.
    given
        A value for its only input, or a mapping of names to values.

    Raises
    ------
    WrongUse
        It cannot be sent.
    """
    values = given if isinstance(given, Mapping) else _for_the_only(model, inputs, given)
    check_names(model, inputs, values)
    return [_part(each, values[each.name]) for each in inputs]


def check_names(model: str, inputs: Inputs, given: Iterable[object]) -> None:
    """See that there is a value for each input, and for nothing else.

    Raises
    ------
    WrongUse
        It is not so.
    """
    given = list(given)
    names = [each.name for each in inputs]
    missing = [name for name in names if name not in given]
    unknown = [str(name) for name in given if name not in names]
    if missing or unknown:
        told = [f"there is no value for {', '.join(missing)}"] if missing else []
        told += [f"there is no input {', '.join(unknown)}"] if unknown else []
        raise WrongUse(f"{' and '.join(told)}: model {model} takes {', '.join(names)}")


def _for_the_only(model: str, inputs: Inputs, value: Any) -> Mapping[str, Any]:
    if len(inputs) != 1:
        names = ', '.join(f'{each.name!r}: ...' for each in inputs)
        raise WrongUse(f'model {model} takes {len(inputs)} inputs: give a dict, {{{names}}}')
    return {inputs[0].name: value}


def _part(asked: Input, value: Any) -> Part:
    if not asked.is_picture:
        return Part(asked.name, _tensor(asked.name, value))
    content = _picture(asked.name, value)
    return Part(asked.name, content, _filename(value), type_of(content))


def _picture(name: str, value: Any) -> bytes:
    if isinstance(value, (str, os.PathLike)):
        return _file(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if is_pillow(value):
        return pillow_png(value)
    if hasattr(value, 'read'):
        return _read(value, name)
    if _is_array(value):
        return array_png(_array(value), name)
    more = '; several go to predict_many' if isinstance(value, (list, tuple)) else ''
    raise WrongUse(f'{name} is a picture, and {type(value).__name__} is none: give a path, bytes, '
                   f'an open file, a picture of Pillow or an array of uint8{more}')


def _tensor(name: str, value: Any) -> bytes:
    if isinstance(value, str) and value.lstrip().startswith(_BRACKETS):
        return value.encode('utf-8', 'surrogateescape')
    if isinstance(value, (str, os.PathLike)):
        return _tensor_file(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if hasattr(value, 'read'):
        return _read(value, name)
    if _is_array(value):
        return _array_json(_array(value), name)
    return _json(value, name)


def _tensor_file(path: Union[str, os.PathLike[str]]) -> bytes:
    if not os.fspath(path).endswith(_ARRAY_FILE):
        return _file(path)
    numpy = _numpy()
    try:
        return _array_json(numpy.load(path, allow_pickle=False), os.fspath(path))
    except (OSError, ValueError, EOFError) as error:
        if isinstance(error, WrongUse):
            raise
        raise _unreadable(path, error) from error


def _file(path: Union[str, os.PathLike[str]]) -> bytes:
    try:
        with open(path, 'rb') as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Union[str, os.PathLike[str]], error: Exception) -> WrongUse:
    reason = getattr(error, 'strerror', None) or str(error)
    return WrongUse(f'{os.fspath(path)!r} cannot be read: {reason}')


def _read(file: Any, name: str) -> bytes:
    content = file.read()
    if isinstance(content, str):
        return content.encode()
    if not isinstance(content, (bytes, bytearray)):
        raise WrongUse(f'what is given for {name} reads {type(content).__name__}, not bytes')
    return bytes(content)


def _filename(value: Any) -> str:
    """What the form calls the file: the end of a path, where there is one."""
    path = value if isinstance(value, (str, os.PathLike)) else getattr(value, 'name', None)
    if not isinstance(path, (str, os.PathLike)):
        return _UNNAMED
    name = os.path.basename(os.fsdecode(path))
    return name.encode('utf-8', 'replace').decode() or _UNNAMED


def _is_array(value: Any) -> bool:
    return any(hasattr(value, name) for name in ('asnumpy', '__array__', '__array_interface__'))


def _array(value: Any) -> Any:
    """An array of NumPy; MXNet's have ``asnumpy``."""
    try:
        return value.asnumpy() if hasattr(value, 'asnumpy') else _numpy().asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, WrongUse):
            raise
        raise WrongUse(f'{type(value).__name__} cannot be made an array of NumPy: {error}'
                       ) from error


def _numpy() -> Any:
    try:
        import numpy
    except ModuleNotFoundError as error:
        raise WrongUse('arrays need NumPy: pip install numpy') from error
    return numpy


def _array_json(array: Any, name: str) -> bytes:
    if array.dtype.kind in 'biuf' and _numpy().isfinite(array).all():
        try:
            import orjson
            # Twenty times as fast, and a float32 has the digits of one.
            return orjson.dumps(_numpy().ascontiguousarray(array),
                                option=orjson.OPT_SERIALIZE_NUMPY)
        except (ModuleNotFoundError, TypeError):
            # Not installed, or a type that it does not know.
            pass
    return _json(array.tolist(), name)


def _json(value: Any, name: str) -> bytes:
    try:
        return json.dumps(value, default=_plain).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise WrongUse(f'what is given for {name} cannot be written as JSON: {error}') from error


def _plain(value: Any) -> Any:
    """Arrays and numbers of NumPy within lists."""
    if hasattr(value, 'asnumpy'):
        value = value.asnumpy()
    if hasattr(value, 'tolist'):
        return value.tolist()
    raise TypeError(f'{type(value).__name__} is no list, number or text')

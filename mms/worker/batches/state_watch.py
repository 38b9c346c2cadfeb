"""What do hooks write that outlives one request?

A service that keeps something of a request on itself, in a global or in its class
cannot be given several requests at once.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import types
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from mms.mxnet_engine.arrays import is_ndarray
from mms.mxnet_engine.reasons import reason_of

# The server's own attributes, those of Python's abstract classes, and where Python notes what it
# has warned of.
_NOT_STATE = frozenset({'stage_times_ms', '__class__', '_abc_impl', '__dict__', '__weakref__',
                        '__warningregistry__'})
# Objects that are mere bags of attributes.
_PLAIN_HOLDERS = ('types', '_thread')
_NOT_USERS = ('mms', 'mxnet', 'builtins', 'abc', 'typing', 'numpy')

# Larger ones are parameters and tables, not what a request leaves behind; to copy
# them around every hook would take seconds.
_MAX_COPIED_BYTES = 1 << 20
_MAX_COPIED_ITEMS = 100_000
_MAX_DEPTH = 3
_ORDERED = (dict, list, tuple, deque)


class _Copied(NamedTuple):
    """Bytes or shape of an array, to be compared by value."""

    content: Any


class _Content(tuple[Any, ...]):
    """The items of a container, to be compared one by one."""

    __slots__ = ()


Places = dict[str, Any]


class StateWatch:
    """Tells whether hooks of a service write to it. A context manager.

    Parameters
    ----------
    notes_writes
        Whether writes are seen that leave everything as it was: while the watch is entered, the
        service is of a subclass of its class then, of the same name, which nothing can pickle.

    Attributes
    ----------
    found : str
        One clause, ``its _preprocess writes self.size``; empty while nothing was seen.
        Never does the watch raise: what it cannot look at is a reason as well.
    """

    def __init__(self, service: Any, notes_writes: bool = True) -> None:
        self.found = ''
        self._notes_writes = notes_writes
        self._service = service
        self._class = type(service)
        self._hook = ''
        self._recorder: Any = None
        self._places: Places = {}

    def __enter__(self) -> StateWatch:
        try:
            if self._notes_writes:
                self._recorder = _recording(self._class, self._note)
                object.__setattr__(self._service, '__class__', self._recorder)
            self._places = self._look()
        except BaseException as error:
            self._give_up(error)
        return self

    def __exit__(self, *error: Any) -> None:
        if self._recorder is None:
            return
        object.__setattr__(self._service, '__class__', self._class)
        # What the service wrote through type(self) belongs to its own class.
        for name, value in _written_to(self._recorder).items():
            setattr(self._class, name, value)

    @contextlib.contextmanager
    def during(self, hook: str) -> Iterator[None]:
        """Watch what runs inside; `hook` is the name to report."""
        self._hook = hook
        try:
            yield
        finally:
            self._hook = ''
            if not self.found:
                self._compare(hook)

    def _compare(self, hook: str) -> None:
        try:
            before, self._places = self._places, self._look()
            for place in sorted(self._places.keys() | before.keys()):
                if not _same(before.get(place), self._places.get(place)):
                    self._report(hook, place.strip())
        except BaseException as error:
            self._give_up(error)

    def _give_up(self, error: BaseException) -> None:
        self.found = self.found or f'it cannot be watched: {reason_of(error)}'

    def _note(self, name: str) -> None:
        if self._hook and name not in _NOT_STATE:
            self._report(self._hook, f'self.{name}')

    def _report(self, hook: str, place: str) -> None:
        self.found = self.found or f'its {hook} writes {place}'

    def _look(self) -> Places:
        """Everything that a request could leave something in: place -> what is there."""
        modules = _modules_of(self._class)
        places: Places = {}
        _add_all(places, 'self.', vars(self._service), modules)
        for cls in self._class.__mro__:
            if cls.__module__ in modules:
                _add_all(places, f'{cls.__name__}.', vars(cls), modules)
        if self._recorder is not None:
            _add_all(places, f'{self._class.__name__}.', _written_to(self._recorder), modules)
        for name in modules:
            _add_all(places, 'the global ', vars(sys.modules[name]), modules)
        return places


def _recording(cls: type, note: Any) -> Any:
    def set_attribute(self: Any, name: str, value: Any) -> None:
        note(name)
        super(recorder, self).__setattr__(name, value)

    def delete_attribute(self: Any, name: str) -> None:
        note(name)
        super(recorder, self).__delattr__(name)

    recorder: Any = type(cls)(cls.__name__, (cls,), {
        '__setattr__': set_attribute, '__delattr__': delete_attribute,
        '__module__': cls.__module__, '__qualname__': cls.__qualname__, '__doc__': cls.__doc__})
    recorder._of_the_recorder = frozenset(vars(recorder)) | {'_of_the_recorder'}
    return recorder


def _written_to(recorder: Any) -> Mapping[str, Any]:
    return {name: value for name, value in vars(recorder).items()
            if name not in recorder._of_the_recorder}


def _modules_of(cls: type) -> list[str]:
    """The modules that the user wrote: those of the classes, and those in the same folders."""
    names = dict.fromkeys(base.__module__ for base in cls.__mro__)
    own = [name for name in names
           if name.partition('.')[0] not in _NOT_USERS and name in sys.modules]
    folders = {os.path.dirname(file) for file in map(_file_of, own) if file}
    beside = [name for name in list(sys.modules)
              if os.path.dirname(_file_of(name)) in folders]
    return list(dict.fromkeys([*own, *beside]))


def _file_of(module: str) -> str:
    return getattr(sys.modules[module], '__file__', None) or ''


def _add_all(places: Places, prefix: str, names: Mapping[str, Any], modules: list[str]) -> None:
    for name, value in list(names.items()):
        if name in _NOT_STATE or isinstance(value, types.ModuleType):
            continue
        place = f'{prefix}{name}'
        places[place] = value
        content = _content(value)
        if content is not None:
            places[f'{place} '] = content
        elif type(value).__module__ in (*modules, *_PLAIN_HOLDERS) and not _is_block(value):
            for inner, item in list(getattr(value, '__dict__', {}).items()):
                places[f'{place}.{inner}'] = item
                inner_content = _content(item)
                if inner_content is not None:
                    places[f'{place}.{inner} '] = inner_content


def _content(value: Any) -> Any:
    """What is in a container: its items themselves, or a copy of its bytes if these are few."""
    if is_ndarray(value) or isinstance(value, (np.ndarray, bytearray)):
        return _bytes_of(value)
    if isinstance(value, (*_ORDERED, set)):
        return _Content(itertools.islice(_items(value, _MAX_DEPTH), _MAX_COPIED_ITEMS))
    return None


def _items(value: Any, depth: int) -> Iterator[Any]:
    if isinstance(value, set):
        # By value: two sets of the same items may well have two orders.
        yield _Copied(value.copy())
    elif isinstance(value, _ORDERED):
        for item in (*value.keys(), *value.values()) if isinstance(value, dict) else value:
            yield item
            if depth:
                yield from _items(item, depth - 1)
    elif is_ndarray(value) or isinstance(value, (np.ndarray, bytearray)):
        yield _bytes_of(value)


def _bytes_of(value: Any) -> _Copied:
    if isinstance(value, bytearray):
        return _Copied(bytes(value) if len(value) < _MAX_COPIED_BYTES else len(value))
    size = int(np.prod(value.shape)) * np.dtype(value.dtype or np.float32).itemsize
    if size >= _MAX_COPIED_BYTES or getattr(value, 'stype', 'default') != 'default':
        return _Copied(tuple(value.shape))
    array = value.asnumpy() if is_ndarray(value) else value
    return _Copied(array.tobytes() if array.dtype != object else tuple(map(id, array.ravel())))


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, _Copied) and isinstance(after, _Copied):
        return bool(before.content == after.content)
    if type(before) is type(after) is _Content:
        return len(before) == len(after) and all(map(_same, before, after))
    return before is after


def _is_block(value: Any) -> bool:
    mxnet = sys.modules.get('mxnet')
    return mxnet is not None and isinstance(value, mxnet.gluon.Block)

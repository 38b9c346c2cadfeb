"""Mistakes of a service's author that stop nothing, and that nobody would see: one line each."""

from __future__ import annotations

import ast
import difflib
import inspect
import os
from collections.abc import Iterator, Sequence
from types import FunctionType
from typing import Optional

from mms.model_service.model_service import ModelService, SingleNodeService

_ASKED = ('inference', 'ping', 'signature')
_HOOKS = ('_preprocess', '_inference', '_postprocess')
# Alike, as difflib has it: `preproces` and `preprocess` are 0.95, `inferense` and `inference` 0.89.
_ALIKE = 0.88
# A shorter name is like too many others.
_SHORTEST_MISSPELT = 8
_PACKAGE = 'mms'
_BINDING = 'mms.model_service.mxnet_model_service'
# The modules whose `_postprocess` names the likeliest classes.
_TOP_FIVE = ('mms.model_service.mxnet_vision_service', 'mms.model_service.gluon_vision_service')


def class_advice(cls: type) -> list[str]:
    """Methods that are never called, and whose names are nearly those of hooks.

    Parameters
    ----------
    cls
        A service class. Only methods that its own files define count, and only those that
        nothing in their file mentions.

    Returns
    -------
    list of str
        With file and line.
    """
    own = [base for base in cls.__mro__ if not _is_of_package(base)]
    defined = {name for base in own for name in vars(base)}
    missing = [hook for hook in _hooks_of(cls) if hook not in defined]
    return [f'{_place(function)}: {base.__name__}.{name} is never called: the hook is {hook}'
            for base in own for name, function in _methods(base)
            for hook in _nearest(name, missing)
            if name not in (*_HOOKS, *_ASKED) and not _is_mentioned(name, base)]


def class_place(cls: type) -> str:
    """``FILE:LINE`` of a class, or of its nearest base with a file; its name where none has one."""
    for base in cls.__mro__:
        try:
            _, line = inspect.findsource(base)
            return f'{os.path.basename(inspect.getfile(base))}:{line + 1}'
        except (OSError, TypeError, IndexError):
            continue
    return cls.__name__


def _is_of_package(cls: type) -> bool:
    return cls is object or cls.__module__.partition('.')[0] == _PACKAGE


def _hooks_of(cls: type) -> list[str]:
    """Those that are called of this class."""
    if not issubclass(cls, SingleNodeService) or cls.inference is not SingleNodeService.inference:
        return list(_ASKED)
    return [*_HOOKS, *_ASKED]


def _methods(cls: type) -> Iterator[tuple[str, FunctionType]]:
    for name, value in vars(cls).items():
        plain = value.fget if isinstance(value, property) else getattr(value, '__func__', value)
        if isinstance(plain, FunctionType) and not name.startswith('__'):
            yield name, plain


def _nearest(name: str, hooks: Sequence[str]) -> list[str]:
    """The hook that `name` was to be; none where it is another name."""
    if name[-1:].isdigit():
        return []
    plain = _plain(name)
    same = [hook for hook in hooks if _plain(hook) == plain]
    if same:
        return same[:1]
    alike = [hook for hook in hooks
             if min(len(plain), len(_plain(hook))) >= _SHORTEST_MISSPELT
             and abs(len(plain) - len(_plain(hook))) <= 1
             and difflib.SequenceMatcher(None, plain, _plain(hook)).ratio() >= _ALIKE]
    return alike[:1]


def _plain(name: str) -> str:
    return name.replace('_', '').lower()


def _place(function: FunctionType) -> str:
    code = function.__code__
    return f'{os.path.basename(code.co_filename)}:{code.co_firstlineno}'


def _is_mentioned(name: str, cls: type) -> bool:
    """Whether the class's file uses a name, as an attribute or as text; a guess errs on yes."""
    tree = _tree_of(cls)
    return tree is None or any(
        (isinstance(node, ast.Attribute) and node.attr == name)
        or (isinstance(node, ast.Constant) and node.value == name)
        or (isinstance(node, ast.Name) and node.id == name) for node in ast.walk(tree))


def _tree_of(cls: type) -> Optional[ast.AST]:
    path = next(function.__code__.co_filename for _, function in _methods(cls))
    try:
        with open(path, 'rb') as file:
            return ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return None


def answers_classes(cls: type) -> bool:
    """Whether a class's ``_postprocess`` is the built-in one, which names the likeliest classes."""
    hook = getattr(cls, '_postprocess', None)
    return getattr(hook, '__module__', '') in _TOP_FIVE


def binds_as_signed(cls: type) -> bool:
    """Whether a class binds its symbol with the inputs of ``signature.json``, whatever comes."""
    own = [base for base in cls.__mro__ if not _is_of_package(base)]
    return any(base.__module__ == _BINDING for base in cls.__mro__) and \
        not any('__init__' in vars(base) for base in own)


def is_asked_by_hooks(service: ModelService) -> bool:
    """Whether its answers come of the three hooks, one after the other."""
    return isinstance(service, SingleNodeService) and \
        type(service).inference is SingleNodeService.inference

"""The source of a block's class, with what it uses: to be run where the notebook is not."""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import linecache
import textwrap
import types
from collections.abc import Iterator, Mapping
from typing import Any, Optional, Union

from mms.errors import ExportError

_Definition = Union[ast.ClassDef, ast.FunctionDef]

_NOTEBOOK = '__main__'
# Values that are written as Python writes them.
_PLAIN = (int, float, complex, str, bytes, bool, type(None))


class NoSource(ExportError):
    """What a class uses cannot be written down; the message is the reason alone."""


def source_of(cls: type) -> str:
    """Python that defines a class of the user's, and all that it names.

    What is of a module that can be imported is imported; classes and functions of the notebook, or
    of the file of the class, and numbers and texts are written out.

    Raises
    ------
    NoSource
    """
    return _Source(cls).text()


class _Source:
    def __init__(self, cls: type) -> None:
        self._home = cls.__module__
        self._imports: list[str] = []
        self._definitions: list[str] = []
        self._done: set[str] = set()
        self._define(cls.__name__, cls)

    def text(self) -> str:
        return '\n'.join(self._imports) + '\n\n\n' + '\n\n\n'.join(self._definitions) + '\n'

    def _define(self, name: str, value: Any) -> None:
        """Write a name out, behind all that it uses."""
        if name in self._done:
            return
        self._done.add(name)
        if isinstance(value, types.ModuleType):
            self._imports.append(f'import {value.__name__} as {name}')
        elif isinstance(value, (type, types.FunctionType)):
            self._define_code(name, value)
        elif _is_plain(value):
            self._definitions.append(f'{name} = {value!r}')
        elif getattr(value, '__module__', None) and hasattr(value, '__qualname__'):
            self._imports.append(f'from {value.__module__} import {value.__qualname__} as {name}')
        else:
            raise NoSource(f'it uses {name}, which is of {type(value).__name__}')

    def _define_code(self, name: str, value: Any) -> None:
        if value.__module__ not in (self._home, _NOTEBOOK):
            self._imports.append(f'from {value.__module__} import {value.__qualname__} as {name}')
            return
        node, text = _definition(value)
        scope = _globals_of(value)
        for used in dict.fromkeys([*_names_at_definition(node), *_names_when_called(value)]):
            if used in scope:
                self._define(used, scope[used])
            elif not hasattr(builtins, used):
                raise NoSource(f'it uses {used}, which is not there')
        self._definitions.append(text)
        if value.__name__ != name:
            self._definitions.append(f'{name} = {value.__name__}')


def _functions(value: Any) -> Iterator[types.FunctionType]:
    for member in (vars(value).values() if isinstance(value, type) else [value]):
        plain = getattr(member, '__func__', getattr(member, 'fget', member))
        if isinstance(plain, types.FunctionType):
            yield plain


def _globals_of(value: Any) -> Mapping[str, Any]:
    return next((function.__globals__ for function in _functions(value)), {})


def _definition(value: Any) -> tuple[_Definition, str]:
    """What defines it: in a notebook, the source of a class is found by its methods alone."""
    name = value.__name__
    path = next((function.__code__.co_filename for function in _functions(value)), None)
    if path is None or '<locals>' in value.__qualname__:
        raise NoSource(f'{name} is not defined at the top of a cell or file')
    lines = linecache.getlines(path)
    try:
        tree = ast.parse(''.join(lines))
    except SyntaxError:
        raise NoSource(f'the source of {name} cannot be read') from None
    found: Optional[_Definition] = None
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            found = node
    if found is None:
        raise NoSource(f'the source of {name} is not there')
    first = min([found.lineno, *(each.lineno for each in found.decorator_list)])
    return found, textwrap.dedent(''.join(lines[first - 1:found.end_lineno])).rstrip()


def _names_at_definition(node: _Definition) -> Iterator[str]:
    """Names that are read when the statement runs: bases, defaults, class attributes."""
    if isinstance(node, ast.FunctionDef):
        parts: list[ast.AST] = [*node.decorator_list, *_but_body(node)]
    else:
        parts = [*node.decorator_list, *node.bases, *node.keywords]
        for statement in node.body:
            parts += [*statement.decorator_list, *_but_body(statement)] \
                if isinstance(statement, ast.FunctionDef) else [statement]
    names = [inner for part in parts for inner in ast.walk(part) if isinstance(inner, ast.Name)]
    given = {name.id for name in names if not isinstance(name.ctx, ast.Load)}
    yield from (name.id for name in names if name.id not in given)


def _but_body(function: ast.FunctionDef) -> Iterator[ast.AST]:
    yield function.args
    if function.returns is not None:
        yield function.returns


def _names_when_called(value: Any) -> Iterator[str]:
    """Names of the module that functions read."""
    waiting = [function.__code__ for function in _functions(value)]
    while waiting:
        code = waiting.pop()
        yield from (str(step.argval) for step in dis.get_instructions(code)
                    if step.opname == 'LOAD_GLOBAL')
        waiting += [each for each in code.co_consts if isinstance(each, types.CodeType)]


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple, set)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(_is_plain(key) and _is_plain(each) for key, each in value.items())
    return type(value) in _PLAIN


def takes_no_arguments(cls: type) -> bool:
    """Whether a class makes an object without being told anything."""
    parameters = inspect.signature(cls).parameters.values()
    return all(parameter.default is not parameter.empty or parameter.kind in (
        parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) for parameter in parameters)

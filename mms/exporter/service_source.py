"""Which class of a service file would be served, read from its text: none of it is run."""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Optional

from mms.archive.limits import SERVICE_BYTES, check_size
from mms.archive.manifest import IMPERATIVE
from mms.archive.service_kind import fits_format
from mms.errors import ServiceError

_PACKAGE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_HOME = os.path.join(_PACKAGE_ROOT, 'mms', 'model_service', 'model_service.py')
_ANY = '*'


class ClassRef(NamedTuple):
    """A class and the file that defines it."""

    path: str
    name: str


_ROOT_CLASS = ClassRef(_HOME, 'ModelService')
_ABSTRACT = {_ROOT_CLASS, ClassRef(_HOME, 'SingleNodeService'),
             ClassRef(_HOME, 'MultiNodesService')}


def find_service_class(service_file: str, model_dir: str, model_format: str) -> str:
    """Name of the class that the server would take, by the rules of its service loader.

    Follows imports into the archive's own modules and into this package, no further.

    Parameters
    ----------
    service_file
        Path of the service file.
    model_dir
        Folder with the archive's files.
    model_format
        ``MXNet-Symbolic`` or ``Gluon-Imperative``.

    Raises
    ------
    ServiceError
        The file is no Python, or its text shows no such class, or more than one.
    """
    try:
        return _find(service_file, model_dir, model_format)
    except RecursionError:
        raise ServiceError(f'the service file cannot be loaded: {os.path.basename(service_file)}: '
                           'it, or a module that it imports, is nested too deep') from None


def is_gluon_service(service_file: str) -> bool:
    """Whether the class that would be served says that it makes a Gluon network itself.

    Raises
    ------
    ServiceError
        The file is no Python.
    """
    sources = _Sources([os.path.dirname(service_file), _PACKAGE_ROOT])
    own, imported = sources.classes_in(service_file)
    leaves = sources.leaves(sources.services(own) or sources.services(imported))
    return any(fits_format(sources.lineage(ref), IMPERATIVE) for ref in leaves)


def _find(service_file: str, model_dir: str, model_format: str) -> str:
    sources = _Sources([os.path.dirname(service_file), model_dir, _PACKAGE_ROOT])
    own, imported = sources.classes_in(service_file)
    leaves = sources.leaves(sources.services(own) or sources.services(imported))
    if len(leaves) > 1:
        fitting = [ref for ref in leaves if fits_format(sources.lineage(ref), model_format)]
        leaves = fitting or leaves
    if len(leaves) == 1:
        return leaves[0].name
    found = ', '.join(sorted(ref.name for ref in leaves)) or 'none'
    raise ServiceError(f'{os.path.basename(service_file)} must define one service class, derived '
                       f'from a class of mms.model_service; found: {found}')


class _Source:
    """The classes and the imports of one file.

    Attributes
    ----------
    classes
        Name -> the bases as they are written, with their dots.
    imports
        Name -> what it stands for, with its dots; those of ``import *`` are in `stars`.
    """

    def __init__(self, path: str) -> None:
        self.classes: dict[str, list[str]] = {}
        self.imports: dict[str, str] = {}
        self.stars: list[str] = []
        for statement in _statements(_parse(path).body):
            if isinstance(statement, ast.ClassDef):
                self.classes[statement.name] = [_dotted(base) for base in statement.bases]
            elif isinstance(statement, ast.Import):
                self._take_import(statement)
            elif isinstance(statement, ast.ImportFrom):
                self._take_import_from(statement)

    def _take_import(self, statement: ast.Import) -> None:
        for alias in statement.names:
            first = alias.name.partition('.')[0]
            self.imports[alias.asname or first] = alias.name if alias.asname else first

    def _take_import_from(self, statement: ast.ImportFrom) -> None:
        for alias in statement.names:
            if alias.name == _ANY:
                self.stars.append(statement.module or '')
            else:
                self.imports[alias.asname or alias.name] = f'{statement.module}.{alias.name}'


class _Sources:
    """Files that import each other, and how their classes derive from one another."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = folders
        self._read: dict[str, _Source] = {}

    def classes_in(self, path: str) -> tuple[list[ClassRef], list[ClassRef]]:
        """Those that a file defines, and those that it imports."""
        path = os.path.abspath(path)
        source = _Source(path)
        self._read[path] = source
        imported = [self._find(path, name, ()) for name in source.imports]
        starred = [ClassRef(module, name) for star in source.stars
                   for module in filter(None, [self._file_of(star)])
                   for name in self._source(module).classes]
        return ([ClassRef(path, name) for name in source.classes],
                [*filter(None, imported), *starred])

    def services(self, refs: Sequence[ClassRef]) -> list[ClassRef]:
        """Those of `refs` that derive from `ModelService`, patterns for others aside."""
        return sorted(ref for ref in set(refs) - _ABSTRACT
                      if _ROOT_CLASS in self._ancestors(ref))

    def leaves(self, refs: Sequence[ClassRef]) -> list[ClassRef]:
        """Those from which no other one derives."""
        return [ref for ref in refs
                if not any(ref in self._ancestors(other) for other in refs if other != ref)]

    def lineage(self, ref: ClassRef) -> set[str]:
        """Names of a class and of all its bases."""
        return {ref.name, *(base.name for base in self._ancestors(ref))}

    def _ancestors(self, ref: ClassRef) -> set[ClassRef]:
        found: set[ClassRef] = set()
        waiting = [ref]
        while waiting:
            path, name = waiting.pop()
            bases = (self._find(path, base, ())
                     for base in self._source(path).classes.get(name, ()))
            fresh = {base for base in bases if base} - found
            found |= fresh
            waiting.extend(fresh)
        return found

    def _find(self, path: str, dotted: str, through: tuple[str, ...]) -> Optional[ClassRef]:
        """The class that `dotted` stands for in the file `path`; None for one from elsewhere."""
        source, (first, _, rest) = self._source(path), dotted.partition('.')
        if first in source.classes and not rest:
            return ClassRef(path, first)
        known = source.imports.get(first)
        names = [f'{star}.{dotted}' for star in source.stars] if known is None else \
            [f'{known}.{rest}' if rest else known]
        # Two files may import each other.
        return next(filter(None, (self._look_up(name, (*through, f'{path}:{dotted}'))
                                  for name in names
                                  if f'{path}:{dotted}' not in through)), None)

    def _look_up(self, dotted: str, through: tuple[str, ...]) -> Optional[ClassRef]:
        module, _, name = dotted.rpartition('.')
        path = self._file_of(module)
        return self._find(path, name, through) if path else None

    def _file_of(self, module: str) -> Optional[str]:
        parts = module.split('.')
        for folder in self._folders if module else ():
            for end in (f'{parts[-1]}.py', os.path.join(parts[-1], '__init__.py')):
                path = os.path.abspath(os.path.join(folder, *parts[:-1], end))
                if os.path.isfile(path):
                    return path
        return None

    def _source(self, path: str) -> _Source:
        if path not in self._read:
            self._read[path] = _Source(path)
        return self._read[path]


def _parse(path: str) -> ast.Module:
    check_size(path, SERVICE_BYTES,
               f'the service file cannot be loaded: {os.path.basename(path)}', ServiceError)
    try:
        with open(path, 'rb') as file, warnings.catch_warnings():
            # They name a folder that is gone when they are read.
            warnings.simplefilter('ignore')
            return ast.parse(file.read(), path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, 'lineno', None)
        place = f'{os.path.basename(path)}:{line}' if line else os.path.basename(path)
        raise ServiceError(f'the service file cannot be loaded: {place}: '
                           f'{type(error).__name__}: {getattr(error, "msg", error)}') from error


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Those that run when the file is imported, inside ``if`` and ``try`` too."""
    for statement in body:
        yield statement
        if isinstance(statement, (ast.If, ast.Try, ast.With)):
            for part in ('body', 'orelse', 'finalbody'):
                yield from _statements(getattr(statement, part, []))
            for handler in getattr(statement, 'handlers', []):
                yield from _statements(handler.body)


def _dotted(expression: ast.expr) -> str:
    """``a.b.C`` as it is written; an empty string for anything else."""
    if isinstance(expression, ast.Name):
        return expression.id
    if isinstance(expression, ast.Attribute):
        left = _dotted(expression.value)
        return f'{left}.{expression.attr}' if left else ''
    return ''

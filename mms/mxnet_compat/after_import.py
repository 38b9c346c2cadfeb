"""Call a function once a module has been imported."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Callable, Optional

Action = Callable[[ModuleType], None]


def call(name: str, action: Action) -> None:
    """Call `action` with the module `name`: now, or at the end of its import.

    Asked twice for the same, it calls once; several are called in the order in which they came.
    """
    module = sys.modules.get(name)
    if module is not None:
        action(module)
        return
    finder = _finder_of(name)
    if action not in finder.actions:
        finder.actions.append(action)


def imported(module: ModuleType) -> None:
    """A module is there that was not imported by those who find modules."""
    for finder in list(sys.meta_path):
        if isinstance(finder, _Finder) and finder.name == module.__name__:
            finder.finish(module)


def _finder_of(name: str) -> _Finder:
    for finder in sys.meta_path:
        if isinstance(finder, _Finder) and finder.name == name:
            return finder
    made = _Finder(name)
    sys.meta_path.insert(0, made)
    return made


class _Finder(MetaPathFinder):
    """Finds what the others find, and leaves once the module is there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.actions: list[Action] = []

    def find_spec(self, fullname: str, path: Optional[Sequence[str]],
                  target: Optional[ModuleType] = None) -> Optional[ModuleSpec]:
        if fullname != self.name:
            return None
        for finder in sys.meta_path:
            spec = finder.find_spec(fullname, path, target) if finder is not self else None
            if spec is not None and spec.loader is not None:
                spec.loader = _Loader(spec.loader, self)
                return spec
        return None

    def finish(self, module: ModuleType) -> None:
        """Leave, and call what was to be called, once."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        actions, self.actions = self.actions, []
        for action in actions:
            action(module)


class _Loader(Loader):
    """The module's own loader, which it hands back to the module at once."""

    def __init__(self, loader: Loader, finder: _Finder) -> None:
        self._loader, self._finder = loader, finder

    def create_module(self, spec: ModuleSpec) -> Optional[ModuleType]:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._finder.finish(module)

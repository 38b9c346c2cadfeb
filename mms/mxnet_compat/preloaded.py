"""MXNet, imported before anybody asks for it: what forks of a process find imported already.

In a fork it is not there until something imports it, as in a process that has not imported it.
What that process would do at the import, and would see of it, it does and sees then.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, NamedTuple, Optional

from . import after_import

logger = logging.getLogger(__name__)

_MXNET = 'mxnet'
# What libraries read once, when they are loaded, or start their engine: MXNet, OpenMP, OpenBLAS,
# oneDNN, CUDA.
_READ_ONCE = re.compile('(MXNET|DMLC|OMP|GOMP|KMP|OPENBLAS|GOTO|MKL|ONEDNN|DNNL|CUDA|NVIDIA)_')


class _Attribute(NamedTuple):
    """A module as an attribute of its package."""

    package: ModuleType
    name: str
    module: ModuleType


class Preloaded(MetaPathFinder, Loader):
    """Withholds modules of this process until one of them is imported.

    Parameters
    ----------
    modules
        Name -> module, in the order in which their imports ended.

    Attributes
    ----------
    unsuited
        Called where they cannot be as in a process that imports them itself, with the reason.
    """

    def __init__(self, modules: Mapping[str, ModuleType]) -> None:
        self.unsuited: Callable[[str], None] = warn
        self._modules = dict(modules)
        self._specs = {name: module.__spec__ for name, module in modules.items()}
        self._attributes = list(_attributes(modules))
        self._read = _read_once()
        self._at_end = getattr(modules.get('mxnet.base'), '_notify_shutdown', None)
        self._handing_out = threading.Lock()

    def withhold(self) -> None:
        """Take them out of this process's sight."""
        for name in self._modules:
            del sys.modules[name]
        for package, name, _ in self._attributes:
            delattr(package, name)
        if self._at_end is not None:
            atexit.unregister(self._at_end)
        sys.meta_path.insert(0, self)

    def find_spec(self, fullname: str, path: Optional[Sequence[str]],
                  target: Optional[ModuleType] = None) -> Optional[ModuleSpec]:
        """That of a module which is withheld."""
        known = self._specs.get(fullname)
        if known is None:
            return None
        found = ModuleSpec(fullname, self, origin=known.origin,
                           is_package=known.submodule_search_locations is not None)
        found.submodule_search_locations = known.submodule_search_locations
        return found

    def create_module(self, spec: ModuleSpec) -> Optional[ModuleType]:
        """The module that there is."""
        return self._modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        """Hand all of them out."""
        with self._handing_out:
            for name, each in self._modules.items():
                if each is module:
                    self._give_back_spec(module, self._specs[name])
            if self in sys.meta_path:
                self._tell_if_unsuited()
                self._hand_out()

    @staticmethod
    def _give_back_spec(module: ModuleType, spec: Optional[ModuleSpec]) -> None:
        module.__spec__ = spec
        module.__loader__ = None if spec is None else spec.loader

    def _hand_out(self) -> None:
        sys.meta_path.remove(self)
        sys.modules.update(self._modules)
        for package, name, module in self._attributes:
            setattr(package, name, module)
        if self._at_end is not None:
            atexit.register(self._at_end)
        # In the order in which their imports ended: a package comes behind what it imports.
        for module in self._modules.values():
            after_import.imported(module)

    def _tell_if_unsuited(self) -> None:
        now = _read_once()
        changed = sorted(name for name in {*now, *self._read}
                         if now.get(name) != self._read.get(name))
        if changed:
            self.unsuited(f'it sets {changed[0]} before it imports MXNet')
        mxnet, known = PathFinder.find_spec(_MXNET), self._specs.get(_MXNET)
        if mxnet is not None and known is not None and mxnet.origin != known.origin:
            self.unsuited(f'it imports MXNet from {mxnet.origin}')


def preload(users: Collection[str]) -> Preloaded:
    """Import MXNet, and modules of this package that use it.

    Raises
    ------
    ImportError
        MXNet cannot be imported.
    """
    before = set(sys.modules)
    importlib.import_module(_MXNET)
    for name in users:
        importlib.import_module(name)
    new = {name: module for name, module in sys.modules.items() if name not in before}
    return Preloaded(_of_mxnet(new))


def find() -> Optional[Preloaded]:
    """What this process withholds; None where it withholds nothing."""
    return next((finder for finder in sys.meta_path if isinstance(finder, Preloaded)), None)


def _of_mxnet(modules: Mapping[str, ModuleType]) -> Mapping[str, ModuleType]:
    """MXNet, and the modules of this package that have something of it, directly or not."""
    found = {name for name in modules if name.partition('.')[0] == _MXNET}
    own = {name for name in modules if name.partition('.')[0] == __name__.partition('.')[0]}
    while True:
        more = {name for name in own - found if _has_any_of(modules[name], found)}
        if not more:
            return {name: module for name, module in modules.items() if name in found}
        found |= more


def _has_any_of(module: ModuleType, names: Collection[str]) -> bool:
    for value in vars(module).values():
        origin = value.__name__ if isinstance(value, ModuleType) else \
            getattr(value, '__module__', None)
        # What is in a package is not what the package itself imports.
        if isinstance(origin, str) and origin in names and \
                not origin.startswith(f'{module.__name__}.'):
            return True
    return False


def _attributes(modules: Mapping[str, ModuleType]) -> Any:
    for name, module in modules.items():
        parent, _, own = name.rpartition('.')
        package = sys.modules.get(parent)
        if package is not None and parent not in modules and \
                vars(package).get(own) is module:
            yield _Attribute(package, own, module)


def _read_once() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if _READ_ONCE.match(name)}


def warn(reason: str) -> None:
    """Tell the author of a service that something has no effect."""
    logger.warning('The service is as if it were not so that %s: the library was loaded before.',
                   reason)

"""``distutils.version``, which Python 3.12 dropped."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any, Optional


def restore() -> None:
    """Let it be imported where nobody else has it.

    ``mxnet.numpy_op_fallback`` and ``mxnet.numpy_dispatch_protocol`` compare NumPy's
    version with it at import. Python 3.9 to 3.11 have it, and so has setuptools,
    which lends its own. To ask setuptools whether it does would import all of it, which
    takes as long as NumPy: whoever imports ``distutils`` asks, and comes here last.
    """
    if 'distutils' not in sys.modules and _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)


def leave(mxnet: ModuleType) -> None:
    """Nobody else was promised it: call it once MXNet is imported."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)


class _Finder(MetaPathFinder):
    """Finds what no other finder has found."""

    def find_spec(self, fullname: str, path: Optional[Sequence[str]],
                  target: Optional[ModuleType] = None) -> Optional[ModuleSpec]:
        if fullname != 'distutils':
            return None
        return spec_from_loader(fullname, _Loader(), is_package=True)


class _Loader(Loader):
    """Makes a package that has ``distutils.version`` alone."""

    def create_module(self, spec: ModuleSpec) -> Optional[ModuleType]:
        return None

    def exec_module(self, module: ModuleType) -> None:
        version = ModuleType('distutils.version')
        vars(version).update(LooseVersion=LooseVersion, StrictVersion=LooseVersion)
        vars(module).update(version=version)
        sys.modules['distutils.version'] = version


_FINDER = _Finder()


class LooseVersion:
    """A version that compares number by number, as ``distutils.version`` had it.

    Parts that are not numbers (``rc1``) come before any number, so that
    1.17.0rc1 < 1.17.0.1.
    """

    def __init__(self, vstring: str) -> None:
        self.vstring = vstring
        self.version = [int(part) if part.isdigit() else part for part in vstring.split('.')]

    def __str__(self) -> str:
        return self.vstring

    def __repr__(self) -> str:
        return f"LooseVersion ('{self.vstring}')"

    def _key(self) -> list[tuple[bool, Any]]:
        return [(isinstance(part, int), part) for part in self.version]

    def _other(self, other: Any) -> list[tuple[bool, Any]]:
        return (other if isinstance(other, LooseVersion) else LooseVersion(other))._key()

    def __eq__(self, other: object) -> bool:
        return self._key() == self._other(other)

    def __hash__(self) -> int:
        return hash(self.vstring)

    def __lt__(self, other: Any) -> bool:
        return self._key() < self._other(other)

    def __le__(self, other: Any) -> bool:
        return self._key() <= self._other(other)

    def __gt__(self, other: Any) -> bool:
        return self._key() > self._other(other)

    def __ge__(self, other: Any) -> bool:
        return self._key() >= self._other(other)

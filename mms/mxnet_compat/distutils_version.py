"""``distutils.version``, which Python 3.12 dropped."""

from __future__ import annotations

import importlib.util
import sys
import types
from typing import Any


def restore() -> None:
    """Put it into ``sys.modules`` where nobody has it.

    ``mxnet.numpy_op_fallback`` and ``mxnet.numpy_dispatch_protocol`` compare NumPy's
    version with it at import. Python 3.9 to 3.11 have it, and so has setuptools,
    which lends its own to newer ones.
    """
    if not _is_there():
        package, version = types.ModuleType('distutils'), types.ModuleType('distutils.version')
        package.__path__ = []  # a package, so that distutils.util is missed in the usual way
        vars(version).update(LooseVersion=LooseVersion, StrictVersion=LooseVersion)
        vars(package).update(version=version)
        sys.modules.update({'distutils': package, 'distutils.version': version})


def _is_there() -> bool:
    if 'distutils' in sys.modules:
        return True
    try:
        return importlib.util.find_spec('distutils') is not None
    except ImportError:
        return False


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

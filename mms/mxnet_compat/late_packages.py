"""Packages that MXNet imports where they are installed, and that few services use."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

# Imported when MXNet first uses them; a package comes before what is in it.
LATE = ('scipy', 'scipy.sparse', 'scipy.stats', 'requests', 'onnx')
# For `mxnet.model.FeedForward` alone, which becomes one of its estimators.
NEVER = 'sklearn'


class LatePackage(ModuleType):
    """Stands for a package in MXNet's modules, and imports it at the first use."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__'):
            raise AttributeError(f'module {self.__name__!r} has no attribute {name!r}')
        # Used before the import of MXNet is over, or after it has failed.
        if sys.modules.get(self.__name__) is self:
            _take_out(self.__name__.partition('.')[0])
        return getattr(importlib.import_module(self.__name__), name)


class _Sparse(LatePackage):
    """``mx.nd.array`` asks of each argument whether it is one of SciPy's matrices."""

    @property
    def csr(self) -> SimpleNamespace:
        if self.__name__ not in sys.modules:
            return SimpleNamespace(csr_matrix=())
        return SimpleNamespace(csr_matrix=sys.modules[self.__name__].csr_matrix)


def hide(base: ModuleType) -> None:
    """Let the import of MXNet find stand-ins of these packages, which cost nothing.

    With scikit-learn and SciPy, importing them takes longer than all of MXNet. What the process
    has imported already stays. :func:`show` ends it.
    """
    for name in LATE:
        package, _, within = name.partition('.')
        if package in sys.modules:
            if not isinstance(sys.modules[package], LatePackage):
                continue
        elif find_spec(package) is None:
            continue
        made = (_Sparse if name == 'scipy.sparse' else LatePackage)(name)
        sys.modules[name] = made
        if within:
            setattr(sys.modules[package], within, made)
    sys.modules.setdefault(NEVER, None)  # type: ignore[arg-type]


def show(mxnet: ModuleType) -> None:
    """Let everybody else import these packages; call it once MXNet is imported."""
    for package in {name.partition('.')[0] for name in LATE}:
        _take_out(package)
    if sys.modules.get(NEVER, mxnet) is None:
        del sys.modules[NEVER]


def _take_out(package: str) -> None:
    for name in LATE:
        if name.partition('.')[0] == package and isinstance(sys.modules.get(name), LatePackage):
            del sys.modules[name]

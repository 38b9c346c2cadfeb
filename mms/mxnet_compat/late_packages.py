"""Packages that MXNet imports where they are installed, and that few services use."""

from __future__ import annotations

import importlib
import sys
import threading
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

# Imported when MXNet first uses them; a package comes before what is in it. Of scikit-learn MXNet
# imports `sklearn.base`, which a stand-in has not got, for `mxnet.model.FeedForward` alone.
LATE = ('scipy', 'scipy.sparse', 'scipy.stats', 'requests', 'onnx', 'sklearn')
# So that no thread takes out what another has just imported.
_taking_out = threading.Lock()


class LatePackage(ModuleType):
    """Stands for a package in MXNet's modules, and imports it at the first use."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._importing = threading.get_ident()
        # Whoever asks for it is told by the package.
        del self.__spec__

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            # The import system asks for `__path__` and `__spec__` wherever MXNet imports it.
            if name.startswith('__') and self._is_found_by_mxnet():
                raise AttributeError(f'module {self.__name__!r} has no attribute {name!r}')
            _take_out(self.__name__.partition('.')[0])
        return getattr(importlib.import_module(self.__name__), name)

    def _is_found_by_mxnet(self) -> bool:
        """Not by another thread while it is imported, nor after its import has failed."""
        return 'mxnet' in sys.modules and threading.get_ident() == self._importing


class _Sparse(LatePackage):
    """``mx.nd.array`` asks of each argument whether it is one of SciPy's matrices."""

    @property
    def csr(self) -> SimpleNamespace:
        # Without the class while another thread imports it.
        module = sys.modules.get(self.__name__)
        return SimpleNamespace(csr_matrix=getattr(module, 'csr_matrix', ()))


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
        sys.modules.setdefault(name, made)
        if within:
            setattr(sys.modules[package], within, made)


def show(mxnet: ModuleType) -> None:
    """Let everybody else import these packages; call it once MXNet is imported."""
    for package in {name.partition('.')[0] for name in LATE}:
        _take_out(package)


def _take_out(package: str) -> None:
    with _taking_out:
        for name in LATE:
            if name.partition('.')[0] == package and isinstance(sys.modules.get(name), LatePackage):
                del sys.modules[name]

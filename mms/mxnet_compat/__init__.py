"""What MXNet 1.9.1 needs before it can be imported today, name by name.

MXNet's last release was written for NumPy 1.x and for a Python that has
``distutils``. :func:`prepare` puts back exactly the names that are missing,
and leaves alone every name that is there; where MXNet needs nothing, it does
nothing. The tables say of each name why MXNet needs it and since when it is
gone: ``numpy_names`` for those of NumPy, ``repairs`` for what is mended in
MXNet itself once it has been imported. ``fusions`` switches off what makes MXNet
answer wrongly. ``library`` keeps a process that loads MXNet fit to be forked.

``from mms.mxnet_compat import mxnet as mx`` prepares and imports it, without the packages
that few use (``late_packages``).
"""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

# Relative, since the benchmarks copy this folder.
from . import (
    after_import,
    distutils_version,
    fusions,
    late_operators,
    late_packages,
    library,
    numpy_names,
    preloaded,
    repairs,
)

if TYPE_CHECKING:
    import mxnet as mxnet


def __getattr__(name: str) -> Any:
    if name != 'mxnet':
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    prepare()
    _import_packages_late()
    return importlib.import_module(name)


def prepare() -> None:
    """Make ``import mxnet`` possible, and right; call it before the first one.

    Does nothing a second time. Where nothing is missing, it only sets two variables of
    the environment, which switch off fusions of operators that change answers, and stands
    ready for ``distutils`` until MXNet is imported.

    Raises
    ------
    ImportError
        NumPy is not installed.
    """
    numpy = importlib.import_module('numpy')
    numpy_names.restore(numpy, numpy_names.MXNET)
    distutils_version.restore()
    after_import.call('mxnet', distutils_version.leave)
    fusions.switch_off()
    if any(repair.needed(numpy) for repair in repairs.REPAIRS):
        after_import.call('mxnet', repairs.apply)


def prepare_services() -> None:
    """Make service files of 2018 loadable, which may import MXNet; a process that
    runs them calls it.

    It does what :func:`prepare` does, puts back the names of NumPy that such files
    use, silences the warning of ``load_params``, which is how the tutorial loads
    weights, and sees to it that the process can be forked once MXNet is imported, and that
    the import does only what services need. A fork of a process that has done so, and has
    preloaded MXNet, has nothing left to do.
    """
    if preloaded.find() is not None:
        return
    prepare()
    after_import.call(late_operators.BASE, late_operators.write_when_called)
    _import_packages_late()
    after_import.call(library.LIBINFO, library.load_in_a_thread_that_ends)
    numpy_names.restore(importlib.import_module('numpy'), numpy_names.SERVICES)
    warnings.filterwarnings('ignore', message='load_params is deprecated')


def _import_packages_late() -> None:
    after_import.call(late_operators.BASE, late_packages.hide)
    after_import.call('mxnet', late_packages.show)

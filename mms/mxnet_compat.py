"""What MXNet 1.9.1 needs before it can be imported today, name by name.

MXNet's last release was written for NumPy 1.x and for a Python that has
``distutils``. :func:`prepare` puts back exactly the names that are missing,
and leaves alone every name that is there.
"""

from __future__ import annotations

import importlib
import sys
import types
import warnings
from typing import Any, Callable, NamedTuple


class _Restored(NamedTuple):
    """One name of NumPy: why somebody looks it up, and what it was.

    `make` takes the numpy module and returns the name's old value.
    """

    name: str
    why: str
    make: Callable[[Any], Any]


_IMPORT = 'mxnet.numpy.utils reads it at import'
_FALLBACK = 'mxnet.numpy.fallback reads it at import'
_PROTOCOL = 'mxnet.numpy_dispatch_protocol registers it at import'
_SERVICES = 'service files of 2018 use it as a dtype'


def _alias(target: str) -> Callable[[Any], Any]:
    return lambda numpy: getattr(numpy, target)


def _constant(value: Any) -> Callable[[Any], Any]:
    return lambda numpy: value


def _wrapper(target: str) -> Callable[[Any], Any]:
    """A function of its own: MXNet's registry is keyed by function, and an alias
    would take the place of the function it stands for.
    """

    def make(numpy: Any) -> Any:
        function = getattr(numpy, target)

        def restored(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return restored

    return make


def _in1d(numpy: Any) -> Any:
    def in1d(ar1: Any, ar2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
        return numpy.isin(numpy.ravel(ar1), ar2, assume_unique=assume_unique, invert=invert)

    return in1d


def _msort(numpy: Any) -> Any:
    return lambda a: numpy.sort(a, axis=0)


def _gone(name: str) -> Callable[[Any], Any]:
    """NumPy 1.20 to 1.26 raise the same when one of these is called."""

    def make(numpy: Any) -> Any:
        def expired(*args: Any, **kwargs: Any) -> Any:
            raise RuntimeError(f'numpy.{name} left NumPy for the numpy_financial package')

        return expired

    return make


_NUMPY_NAMES = (
    # Left NumPy in 1.24 (bool came back in 2.0).
    _Restored('bool', _IMPORT, _constant(bool)),
    _Restored('int', _SERVICES, _constant(int)),
    _Restored('float', _SERVICES, _constant(float)),
    _Restored('complex', _SERVICES, _constant(complex)),
    _Restored('object', _SERVICES, _constant(object)),
    _Restored('str', _SERVICES, _constant(str)),
    # Left NumPy in 2.0.
    _Restored('PZERO', _IMPORT, _constant(0.0)),
    _Restored('NZERO', _IMPORT, _constant(-0.0)),
    _Restored('PINF', _IMPORT, _alias('inf')),
    _Restored('NINF', _IMPORT, _constant(float('-inf'))),
    _Restored('NAN', _IMPORT, _alias('nan')),
    _Restored('NaN', _IMPORT, _alias('nan')),
    _Restored('Inf', 'mxnet.gluon.contrib.estimator reads it at import', _alias('inf')),
    _Restored('alltrue', _FALLBACK, _wrapper('all')),
    _Restored('msort', _FALLBACK, _msort),
    _Restored('sometrue', _PROTOCOL, _wrapper('any')),
    _Restored('product', _PROTOCOL, _wrapper('prod')),
    _Restored('round_', _PROTOCOL, _wrapper('round')),
    _Restored('compat', 'mx.np.pad asks for numpy.compat.basestring',
              _constant(types.SimpleNamespace(basestring=str))),
    _Restored('mirr', _FALLBACK, _gone('mirr')),
    _Restored('npv', _FALLBACK, _gone('npv')),
    _Restored('pmt', _FALLBACK, _gone('pmt')),
    _Restored('ppmt', _FALLBACK, _gone('ppmt')),
    _Restored('pv', _FALLBACK, _gone('pv')),
    _Restored('rate', _FALLBACK, _gone('rate')),
    # Left NumPy in 2.4.
    _Restored('in1d', _FALLBACK, _in1d),
    _Restored('trapz', _FALLBACK, _alias('trapezoid')),
)


def prepare() -> None:
    """Make ``import mxnet`` possible; call it before the first one.

    Does nothing a second time, and nothing at all where nothing is missing.

    Raises
    ------
    ImportError
        NumPy is not installed.
    """
    numpy = importlib.import_module('numpy')
    with warnings.catch_warnings():
        # NumPy warns (FutureWarning, DeprecationWarning) of the very look-up
        # of a name it is about to drop or to give another meaning.
        warnings.simplefilter('ignore')
        for entry in _NUMPY_NAMES:
            if not hasattr(numpy, entry.name):
                setattr(numpy, entry.name, entry.make(numpy))
        _restore_distutils()
    _quieten()


def _restore_distutils() -> None:
    """Python 3.12 dropped distutils; MXNet compares NumPy's version with it at import."""
    try:
        importlib.import_module('distutils.version')
    except ImportError:
        package, version = types.ModuleType('distutils'), types.ModuleType('distutils.version')
        package.__path__ = []  # a package, so that distutils.util is missed in the usual way
        vars(version).update(LooseVersion=LooseVersion, StrictVersion=LooseVersion)
        vars(package).update(version=version)
        sys.modules.update({'distutils': package, 'distutils.version': version})


def _quieten() -> None:
    """``load_params`` is how the tutorial loads weights; its warning helps nobody."""
    warnings.filterwarnings('ignore', message='load_params is deprecated')


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

"""Names that left NumPy, and are put back."""

from __future__ import annotations

import types
import warnings
from collections.abc import Sequence
from typing import Any, Callable, NamedTuple, Optional


class Restored(NamedTuple):
    """One name of NumPy: since which release it is gone, why somebody looks it up,
    and what it was.

    `make` takes the numpy module and returns the name's old value; `back` is the
    release that has the name again.
    """

    name: str
    since: str
    why: str
    make: Callable[[Any], Any]
    back: Optional[str] = None


_IMPORT = 'mxnet.numpy.utils reads it at import'
_FALLBACK = 'mxnet.numpy.fallback reads it at import'
_PROTOCOL = 'mxnet.numpy_dispatch_protocol registers it at import'
_DTYPE = 'service files of 2018 use it as a dtype'


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


# What MXNet reads, at import save where it says otherwise.
MXNET = (
    Restored('bool', '1.24', _IMPORT, _constant(bool), back='2.0'),
    Restored('int', '1.24', 'mxnet.test_utils uses it as a dtype', _constant(int)),
    Restored('PZERO', '2.0', _IMPORT, _constant(0.0)),
    Restored('NZERO', '2.0', _IMPORT, _constant(-0.0)),
    Restored('PINF', '2.0', _IMPORT, _alias('inf')),
    Restored('NINF', '2.0', _IMPORT, _constant(float('-inf'))),
    Restored('NAN', '2.0', _IMPORT, _alias('nan')),
    Restored('NaN', '2.0', _IMPORT, _alias('nan')),
    Restored('Inf', '2.0', 'mxnet.gluon.contrib.estimator reads it at import', _alias('inf')),
    Restored('alltrue', '2.0', _FALLBACK, _wrapper('all')),
    Restored('msort', '2.0', _FALLBACK, _msort),
    Restored('sometrue', '2.0', _PROTOCOL, _wrapper('any')),
    Restored('product', '2.0', _PROTOCOL, _wrapper('prod')),
    Restored('round_', '2.0', _PROTOCOL, _wrapper('round')),
    Restored('compat', '2.0', 'mx.np.pad asks for numpy.compat.basestring',
             _constant(types.SimpleNamespace(basestring=str))),
    Restored('mirr', '2.0', _FALLBACK, _gone('mirr')),
    Restored('npv', '2.0', _FALLBACK, _gone('npv')),
    Restored('pmt', '2.0', _FALLBACK, _gone('pmt')),
    Restored('ppmt', '2.0', _FALLBACK, _gone('ppmt')),
    Restored('pv', '2.0', _FALLBACK, _gone('pv')),
    Restored('rate', '2.0', _FALLBACK, _gone('rate')),
    Restored('in1d', '2.4', _FALLBACK, _in1d),
    Restored('trapz', '2.4', _FALLBACK, _alias('trapezoid')),
)

# What no MXNet reads, but the service files of its time do.
SERVICES = (
    Restored('float', '1.24', _DTYPE, _constant(float)),
    Restored('complex', '1.24', _DTYPE, _constant(complex)),
    Restored('object', '1.24', _DTYPE, _constant(object)),
    Restored('str', '1.24', _DTYPE, _constant(str)),
)


def restore(numpy: Any, names: Sequence[Restored]) -> None:
    """Put those of `names` back into the numpy module that it lacks."""
    with warnings.catch_warnings():
        # NumPy warns (FutureWarning, DeprecationWarning) of the very look-up
        # of a name it is about to drop or to give another meaning.
        warnings.simplefilter('ignore')
        for entry in names:
            if not hasattr(numpy, entry.name):
                setattr(numpy, entry.name, entry.make(numpy))

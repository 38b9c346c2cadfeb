"""MXNet as strict about contexts as it is with a GPU, where no operator takes arrays of two.

On processors alone it computes on the first one's context, and says nothing.
"""

import contextlib

import mxnet as mx
from mxnet.ndarray import register

# They are for moving an array.
_MOVERS = ('_copyto', '_npi_copyto')
# MXNet has them for the processors alone.
_ON_CPU = ('_cvimdecode', '_cvimresize', '_cvimread', '_cvcopyMakeBorder', '_npi_cvimdecode',
           '_npi_cvimresize')


class WrongContext(Exception):
    """What an operator got."""


@contextlib.contextmanager
def strict_contexts():
    """Raise where an operator gets arrays of two contexts, or decodes away from ``mx.cpu()``.

    Yields the set of the contexts on which anything was computed.
    """
    names, met = _operators(), set()
    invoke, call = register._imperative_invoke, mx.nd.CachedOp.__call__

    def check(name, arrays):
        contexts = {array.context for array in arrays if isinstance(array, mx.nd.NDArray)}
        met.update(contexts)
        if len(contexts) > 1:
            raise WrongContext(f'{name} of {sorted(map(str, contexts))}')
        if name in _ON_CPU and contexts != {mx.cpu()}:
            raise WrongContext(f'{name} on {contexts}')

    def strict_invoke(handle, arrays, *rest):
        if names[_value(handle)] not in _MOVERS:
            check(names[_value(handle)], arrays)
        return invoke(handle, arrays, *rest)

    def strict_call(operator, *arrays, **options):
        check('a hybrid net', arrays)
        return call(operator, *arrays, **options)

    register._imperative_invoke, mx.nd.CachedOp.__call__ = strict_invoke, strict_call
    try:
        yield met
    finally:
        register._imperative_invoke, mx.nd.CachedOp.__call__ = invoke, call


def _value(handle):
    return getattr(handle, 'value', handle)


def _operators():
    """Handle -> name."""
    import ctypes
    count, names = ctypes.c_uint(), ctypes.POINTER(ctypes.c_char_p)()
    library = mx.base._LIB
    mx.base.check_call(library.MXListAllOpNames(ctypes.byref(count), ctypes.byref(names)))
    found = {}
    for index in range(count.value):
        handle = ctypes.c_void_p()
        mx.base.check_call(library.NNGetOpHandle(names[index], ctypes.byref(handle)))
        # An operator's own name comes with its aliases.
        name = names[index].decode()
        found[handle.value] = name if name in (*_MOVERS, *_ON_CPU) else found.get(
            handle.value, name)
    return found

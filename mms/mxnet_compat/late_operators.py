"""MXNet's operators, each written when it is first called.

On its import MXNet writes the source of some 2,600 functions, two or three an operator,
and compiles it, which takes half a second of a core: most of the import. A service calls
a few dozen of them.
"""

from __future__ import annotations

from inspect import Parameter, Signature, signature
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any, Callable

# The module with what makes MXNet's functions; those who call it import it from there.
BASE = 'mxnet.base'
_REGISTRARS = ('_init_op_module', '_init_np_op_module')
_Make = Callable[[Any, str, str], Any]


def write_when_called(base: ModuleType) -> None:
    """Let MXNet register functions that are written at their first call.

    Until then such a function takes any arguments, and has no docstring; who asks for its
    signature has it written. Nothing that holds it need be told of the change, since it stays
    the same object.

    Parameters
    ----------
    base
        The module ``mxnet.base``, before MXNet registers its operators.
    """
    for name in _REGISTRARS:
        setattr(base, name, _registering_late(getattr(base, name)))


def _registering_late(register: Callable[..., None]) -> Callable[..., None]:
    def register_late(*args: Any, make_op_func: _Make | None = None, **kwargs: Any) -> None:
        if make_op_func is None:
            *args, make_op_func = args  # type: ignore[assignment]
        register(*args, make_op_func=_late(make_op_func), **kwargs)

    return register_late


def _late(make: _Make) -> _Make:
    def make_late(handle: Any, name: str, func_name: str) -> FunctionType:
        def write() -> FunctionType:
            written = make(handle, name, func_name)
            # In this order, since another thread may call it at any moment: the code of
            # `_unwritten` reads no default of a position, that of `written` no keyword's.
            late.__defaults__ = written.__defaults__
            late.__code__ = written.__code__
            late.__kwdefaults__ = written.__kwdefaults__
            late.__doc__ = late.__doc__ or written.__doc__
            if isinstance(late.__dict__.get('__signature__'), _LateSignature):
                late.__dict__.pop('__signature__', None)
            return late

        late = FunctionType(_unwritten.__code__, make.__globals__, func_name)
        late.__kwdefaults__ = {'write_': write}
        late.__qualname__, late.__doc__ = func_name, ''
        late.__signature__ = _LateSignature(write)  # type: ignore[attr-defined]
        return late

    return make_late


def _unwritten(*args: Any, write_: Callable[[], FunctionType], **kwargs: Any) -> Any:
    return write_()(*args, **kwargs)


class _LateSignature(Signature):
    """That of a function which is written when somebody looks at it."""

    __slots__ = ('_write',)

    def __init__(self, write: Callable[[], FunctionType]) -> None:
        super().__init__()
        self._write = write

    @property
    def parameters(self) -> MappingProxyType[str, Parameter]:
        return signature(self._write()).parameters

    def replace(self, **changes: Any) -> Signature:  # type: ignore[override]
        return signature(self._write()).replace(**changes)

    __replace__ = replace  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return signature(self._write()).__reduce__()

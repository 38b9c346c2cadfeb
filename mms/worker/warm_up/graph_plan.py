"""The graph of a hybrid Gluon net, planned for the shapes that it is called with.

A planned graph is fast only for the shape and the thread count it was planned
for. MXNet's own ``hybridize(static_shape=True)`` plans anew at each change
(AlexNet, fused: 21 ms at one batch size, 167 ms when sizes alternate), and its
fused operators keep oneDNN primitives of the thread count they first ran with.
So each combination has a plan of its own here, and everything else is computed
by the net as it was.
"""

from __future__ import annotations

from typing import Any, Callable

from mms.mxnet_compat import mxnet as mx

_flatten, _regroup = mx.gluon.block._flatten, mx.gluon.block._regroup

FUSED, STATIC = 'fused (MKLDNN)', 'planned (static allocation)'
BACKEND = 'MKLDNN'

# Of this process's OpenMP, which oneDNN asks too; of the calling thread.
current_threads = mx.base._LIB.omp_get_max_threads


class PlannedForward:
    """Stands for the ``forward`` of one net; the net itself is not changed.

    Parameters
    ----------
    net : mxnet.gluon.HybridBlock
    """

    def __init__(self, net: Any) -> None:
        self._as_it_was = net.forward
        self.plans: dict[Any, Plan] = {}

    def __call__(self, *args: Any) -> Any:
        """By the plan for these arguments, if there is one and nothing is being trained."""
        plan = self.plans.get(key_of(args))
        if plan is None or mx.autograd.is_recording() or mx.autograd.is_training():
            return self._as_it_was(*args)
        return plan(args)


class Plan:
    """A compiled graph and the parameters it takes; `structure` makes what the net returns of
    its outputs, `form` says which it is.
    """

    def __init__(self, operator: Any, inputs: list[Any],
                 structure: Callable[[list[Any]], Any], form: str) -> None:
        self._operator, self._inputs, self._structure = operator, inputs, structure
        self.form = form

    def __call__(self, args: Any) -> Any:
        """Outputs in the structure that the net gives them."""
        data = [array for array in _flatten(args, 'input')[0] if array is not None]
        outputs = self._operator(*[data[item] if isinstance(item, int) else item
                                   for item in self._inputs])
        outputs = [outputs] if isinstance(outputs, mx.nd.NDArray) else outputs
        return self._structure(outputs)


class Graph:
    """What `net` computes of arguments like `args`, as a symbol; planned by :meth:`plan`.

    Raises
    ------
    Exception
        Whatever the net's code does when it is run with symbols.
    """

    def __init__(self, net: Any, args: Any) -> None:
        flat, input_format = _flatten(args, 'input')
        self._names = [f'planned_data{n}' for n, array in enumerate(flat) if array is not None]
        names = iter(self._names)
        symbols = [None if array is None else mx.sym.var(next(names)) for array in flat]
        returned = type(net).forward(net, *_regroup(symbols, input_format))
        out, output_format = _flatten(returned, 'output')
        # A net that is hybridized makes lists of its tuples, by itself.
        example = None if net._active else returned
        self._structure = lambda outputs: _like(example, _regroup(outputs, output_format))
        self._symbol = mx.sym.Group(out)
        context = next(array.context for array in flat if array is not None)
        self._arrays = {name: parameter.data(context)
                        for name, parameter in net.collect_params().items()
                        if name in set(self._symbol.list_inputs())}
        self._form(args)

    def _form(self, args: Any) -> None:
        data = dict(zip(self._names, (a for a in _flatten(args, 'input')[0] if a is not None)))
        everything = {**self._arrays, **data}
        values = {name: everything[name] for name in self._symbol.list_arguments()}
        states = {name: everything[name] for name in self._symbol.list_auxiliary_states()}
        context = next(iter(data.values())).context
        fused = self._symbol.optimize_for(BACKEND, values, states, context)
        self._forms = {STATIC: (self._symbol, everything),
                       FUSED: (fused, {**everything, **values, **states})}

    def plan(self, form: str) -> Plan:
        """A new plan; it is for the shape, dtype and thread count of its first call."""
        symbol, arrays = self._forms[form]
        names = symbol.list_inputs()
        is_data = [name in self._names for name in names]
        flags = [('data_indices', [n for n, data in enumerate(is_data) if data]),
                 ('param_indices', [n for n, data in enumerate(is_data) if not data]),
                 ('static_alloc', True), ('static_shape', True)]
        inputs = [self._names.index(name) if data else arrays[name]
                  for name, data in zip(names, is_data)]
        return Plan(mx.nd.CachedOp(symbol, flags), inputs, self._structure, form)


def _like(example: Any, value: Any) -> Any:
    """`value`, with tuples where `example` has them; an example that is no container changes
    nothing.
    """
    if not isinstance(example, (list, tuple)):
        return value
    return type(example)(_like(one, other) for one, other in zip(example, value))


def key_of(args: Any) -> Any:
    """Of which plan is for these arguments; an object equal to nothing where none can be."""
    try:
        return current_threads(), _shape_of(args)
    except TypeError:
        return object()


def threads_of(key: Any) -> int:
    """For how many threads the plan of a key was made; 0 of one that never fits."""
    return int(key[0]) if isinstance(key, tuple) else 0


def _shape_of(value: Any) -> Any:
    if type(value) is mx.nd.NDArray:
        return value.shape, value.dtype, value.context
    if isinstance(value, (list, tuple)):
        return tuple(_shape_of(item) for item in value)
    if value is None:
        return None
    raise TypeError(f'{type(value).__name__} is no plain array')

"""A Module that stays bound for every input shape it has met lately."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any, NamedTuple, Optional

from mms.mxnet_compat import mxnet as mx
from mms.mxnet_engine.numpy_shapes import numpy_shapes
from mms.mxnet_engine.shape_inference import ShapeInference, shapes_of

# The batch sizes up to 64 that worker/axis.py uses are 20; a few more, for pictures of
# several sizes.
MAX_BOUND = 24
# With parameters of less than this, executors are made anew within some milliseconds.
_QUICKLY_BOUND_BYTES = 8 * 1024**2
_FLOAT_BYTES = 4


class _Bound(NamedTuple):
    """What a Module has anew for each set of shapes."""

    group: Any
    data_shapes: Any
    label_shapes: Any


class ManyShapesModule(mx.mod.Module):  # type: ignore[misc]  # MXNet has no types
    """``mx.mod.Module`` that does not bind itself anew whenever the shape changes.

    ``forward`` calls :meth:`reshape` when a batch has another shape than the one
    before. MXNet's own then makes new executors, which takes as long as some
    forward passes. This one keeps them, at most `MAX_BOUND`; they share the
    parameters, and their memory is that of the largest. As ever, outputs are
    valid until the next ``forward``.

    Parameters
    ----------
    of_numpy
        Whether to run with NumPy's shapes, in whatever thread that is.
    *args, **kwargs
        As ``mx.mod.Module`` takes them.
    """

    _exec_group: Any
    _data_shapes: Any
    _label_shapes: Any
    _arg_params: Any
    _aux_params: Any
    _symbol: Any

    def __init__(self, *args: Any, of_numpy: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._options = (args, kwargs)
        self._of_numpy = of_numpy
        self._bound: OrderedDict[Any, _Bound] = OrderedDict()
        self._inference: Optional[ShapeInference] = None

    def bind(self, *args: Any, **kwargs: Any) -> None:
        """As ever."""
        with numpy_shapes(self._of_numpy):
            super().bind(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> None:
        """As ever."""
        with numpy_shapes(self._of_numpy):
            super().forward(*args, **kwargs)

    def reshape(self, data_shapes: Any, label_shapes: Any = None) -> None:
        """Get ready for inputs of these shapes.

        Raises
        ------
        ShapesRefused
        """
        with numpy_shapes(self._of_numpy):
            if self.for_training:
                super().reshape(data_shapes, label_shapes)
            else:
                self._change_to(data_shapes, label_shapes)

    def give_back(self) -> None:
        """Let go of the memory of all shapes but the smallest, where these are bound anew quickly
        when they come: that of a small network's batch of 16 may be more than all else it has.
        """
        arrays = {**(self._arg_params or {}), **(self._aux_params or {})}
        size = _FLOAT_BYTES * sum(math.prod(array.shape) for array in arrays.values())
        if len(self._bound) > 1 and size < _QUICKLY_BOUND_BYTES:
            smallest = min(self._bound.values(), key=_elements)
            for bound in self._bound.values():
                for shared in bound.group.shared_data_arrays:
                    shared.clear()
            self._bound.clear()
            self._keep(smallest)
            self._exec_group, self._data_shapes, self._label_shapes = smallest

    def _change_to(self, data_shapes: Any, label_shapes: Any) -> None:
        self._keep(_Bound(self._exec_group, self._data_shapes, self._label_shapes))
        bound = self._bound.get(_key(data_shapes))
        if bound is None:
            self._check(data_shapes)
            bound = self._bind_beside(data_shapes, label_shapes)
        self._keep(bound)
        self._exec_group, self._data_shapes, self._label_shapes = bound

    def _check(self, data_shapes: Any) -> None:
        """Before anything is bound: what then fails is no fault of the inputs."""
        if self._inference is None:
            arrays = {**(self._arg_params or {}), **(self._aux_params or {})}
            self._inference = ShapeInference(self._symbol, shapes_of(arrays))
        self._inference.check({entry[0]: tuple(entry[1]) for entry in data_shapes})

    def _bind_beside(self, data_shapes: Any, label_shapes: Any) -> _Bound:
        args, kwargs = self._options
        sibling = mx.mod.Module(*args, **kwargs)
        current, largest = self._exec_group, max(self._bound.values(), key=_elements)
        self._exec_group = largest.group
        if self._of_numpy or _elements_in(data_shapes) > _elements(largest):
            # MXNet would replace these anyway, with a warning about the buckets of training;
            # with NumPy's shapes it refuses to use the front of a longer array.
            for arrays in largest.group.shared_data_arrays:
                arrays.clear()
        try:
            sibling.bind(for_training=False, data_shapes=data_shapes, label_shapes=label_shapes,
                         shared_module=self)
        finally:
            self._exec_group = current
        return _Bound(sibling._exec_group, sibling._data_shapes, sibling._label_shapes)

    def _keep(self, bound: _Bound) -> None:
        key = _key(bound.data_shapes)
        self._bound[key] = bound
        self._bound.move_to_end(key)
        while len(self._bound) > MAX_BOUND:
            self._bound.popitem(last=False)

    def _reset_bind(self) -> None:
        self._bound.clear()
        self._inference = None
        super()._reset_bind()


def _key(data_shapes: Any) -> Any:
    return tuple((entry[0], tuple(entry[1]), str(getattr(entry, 'dtype', '')))
                 for entry in data_shapes)


def _elements(bound: _Bound) -> int:
    return _elements_in(bound.data_shapes)


def _elements_in(data_shapes: Any) -> int:
    return sum(math.prod(entry[1]) for entry in data_shapes)

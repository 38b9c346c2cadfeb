"""A network of a symbol file and a parameter file, bound for inference."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any, Callable, NamedTuple

import numpy as np

from mms.errors import ServiceError
from mms.mxnet_compat import mxnet as mx
from mms.mxnet_engine.graph import without_float16
from mms.mxnet_engine.many_shapes import ManyShapesModule
from mms.mxnet_engine.numpy_shapes import (
    has_numpy_shapes,
    load_arrays,
    load_symbol,
    numpy_shapes,
)
from mms.mxnet_engine.reasons import reason_of
from mms.mxnet_engine.shape_inference import (
    ShapeInference,
    ShapesRefused,
    shapes_of,
)
from mms.mxnet_engine.training_parts import inference_symbol

logger = logging.getLogger(__name__)

# As many missing parameters as an error names.
_NAMED = 5

# In place of 0: what networks for pictures and sentences are made for.
_LIKELY_LENGTHS = (1, 8, 32, 64, 128, 224, 227, 256, 299, 300, 320, 331, 384, 416, 448, 512, 640)

Shapes = Sequence[tuple[str, tuple[int, ...]]]


class Network(NamedTuple):
    """What the files say.

    Attributes
    ----------
    symbol
        Without what only its training needs.
    args, aux
        Name -> NDArray: the parameters, and the auxiliary states.
    states, left_out
        Begin states that are zeros, and outputs that are no more.
    numpy_shapes
        Whether it was saved after ``mx.npx.set_np()``, and so has to run with NumPy's shapes.
    """

    symbol: Any
    args: dict[str, Any]
    aux: dict[str, Any]
    params_file: str
    states: Sequence[str] = ()
    left_out: Sequence[str] = ()
    numpy_shapes: bool = False


def load_network(symbol_path: str, params_path: str, inputs: Sequence[str]) -> Network:
    """Read both files, exactly as named.

    `inputs` are the names that the signature gives.

    Raises
    ------
    ServiceError
        A file is missing or is not what its name says.
    """
    symbol = _load(symbol_path, 'symbol file', load_symbol)
    of_numpy = has_numpy_shapes(symbol_path)
    with numpy_shapes(of_numpy):
        network = network_of(symbol, params_path, inputs)._replace(numpy_shapes=of_numpy)
    for what, names in (('begin states that are zeros', network.states),
                        ('outputs that are left out, since they compare with a label',
                         network.left_out)):
        if names:
            logger.info('%s: %s: %s', os.path.basename(symbol_path), what, ', '.join(names))
    return network


def network_of(symbol: Any, params_path: str, inputs: Sequence[str]) -> Network:
    """A symbol that is loaded already, with the parameters of a file.

    Raises
    ------
    ServiceError
    """
    args, aux = read_parameters(params_path, symbol)
    _check_unique(symbol)
    inference = inference_symbol(symbol, inputs, args)
    return Network(inference.symbol, args, aux, os.path.basename(params_path), inference.states,
                   inference.left_out)


def read_parameters(path: str, symbol: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the auxiliary states in a file.

    Names start with ``arg:`` or ``aux:``; a name that does not is an auxiliary
    state if `symbol` has one of that name.

    Raises
    ------
    ServiceError
    """
    # A file of no arrays at all has no names either: it comes as an empty list.
    loaded = _load(path, 'parameter file', load_arrays) or {}
    if not isinstance(loaded, dict):
        raise ServiceError(f'The parameter file {path} holds arrays without names')
    states = set(symbol.list_auxiliary_states())
    kinds: dict[str, dict[str, Any]] = {'arg': {}, 'aux': {}}
    for full_name, array in loaded.items():
        kind, _, name = full_name.partition(':')
        if kind not in kinds:
            name, kind = full_name, 'aux' if full_name in states else 'arg'
        kinds[kind][name] = array
    return kinds['arg'], kinds['aux']


def check_parameters(network: Network, data_shapes: Shapes) -> None:
    """See that the files hold every parameter of the network, in its shape.

    Raises
    ------
    ServiceError
        Names the parameter.
    """
    symbol, inputs = network.symbol, [name for name, _ in data_shapes]
    _check_inputs(symbol, inputs, network.args)
    _check_batch_axis(data_shapes)
    needed = [name for name in symbol.list_arguments() if name not in inputs]
    _check_present(network, needed)
    _check_shapes(network, needed, data_shapes)
    unused = {*network.args, *network.aux} - {*needed, *symbol.list_auxiliary_states()}
    if unused:
        logger.info('%s: parameters that the network does not use: %s',
                    network.params_file, ', '.join(sorted(unused)))


def fitting_shapes(network: Network, data_shapes: Shapes) -> Shapes:
    """`data_shapes` with a length that the network takes in place of every 0.

    A bound Module needs some shape to begin with, and binds itself anew for the
    shape of a request. Where nothing fits, 1 is what the error will speak of.
    """
    candidates = [_filled(data_shapes, length) for length in _LIKELY_LENGTHS]
    with numpy_shapes(network.numpy_shapes):
        inference = ShapeInference(network.symbol, shapes_of({**network.args, **network.aux}))
        return next((shapes for shapes in candidates if _fits(inference, shapes)), candidates[0])


def bind(network: Network, data_shapes: Shapes, ctx: Any) -> Any:
    """The network as an ``mx.mod.Module`` with its parameters, ready for ``forward``.

    Raises
    ------
    ServiceError
    """
    with numpy_shapes(network.numpy_shapes):
        return _bind(network, data_shapes, ctx)


def _bind(network: Network, data_shapes: Shapes, ctx: Any) -> Any:
    check_parameters(network, data_shapes)
    if ctx.device_type != 'gpu':
        # Most of MXNet's operators for the CPU have no float16.
        network = network._replace(symbol=without_float16(network.symbol))
    module = ManyShapesModule(symbol=network.symbol, context=ctx, label_names=None,
                              data_names=[name for name, _ in data_shapes],
                              of_numpy=network.numpy_shapes)
    try:
        module.bind(for_training=False, data_shapes=_described(network.symbol, data_shapes))
        module.set_params(network.args, network.aux, allow_missing=False, allow_extra=True)
    except (mx.base.MXNetError, RuntimeError, ValueError) as error:
        raise ServiceError(f'The network cannot be bound with inputs {dict(data_shapes)}: '
                           f'{reason_of(error)}') from error
    return module


def _described(symbol: Any, data_shapes: Shapes) -> list[Any]:
    """The inputs with the types that the network wants them in, float32 where it does not say."""
    types = _input_types(symbol)
    return [mx.io.DataDesc(name, shape, types.get(name) or np.float32)
            for name, shape in data_shapes]


def _input_types(symbol: Any) -> dict[str, Any]:
    try:
        inferred, _, _ = symbol.infer_type_partial()
    except mx.base.MXNetError:
        # Embedding, for one, wants to be told; what is written at a variable counts anyhow.
        declared = {name: attrs.get('__dtype__') for name, attrs in symbol.attr_dict().items()}
        numpy_types = mx.nd.ndarray._DTYPE_MX_TO_NP
        return {name: numpy_types[int(number)] for name, number in declared.items() if number}
    return dict(zip(symbol.list_arguments(), inferred or ()))


def _filled(data_shapes: Shapes, length: int) -> Shapes:
    return [(name, tuple(size or length for size in shape)) for name, shape in data_shapes]


def _fits(inference: ShapeInference, data_shapes: Shapes) -> bool:
    try:
        inference.check(dict(data_shapes))
    except ShapesRefused:
        return False
    return True


def _load(path: str, what: str, load: Callable[[str], Any]) -> Any:
    if not os.path.isfile(path):
        raise ServiceError(f'The {what} {path} does not exist')
    try:
        return load(path)
    except (mx.base.MXNetError, ValueError, UnicodeDecodeError) as error:
        raise ServiceError(f'The {what} {path} cannot be read: {reason_of(error)}') from error


def _check_unique(symbol: Any) -> None:
    names = symbol.list_arguments()
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ServiceError(f'The network has two variables of the name {twice[0]!r}: make one '
                           'mx.sym.var and use it in both places')


def _check_inputs(symbol: Any, inputs: Sequence[str], args: Mapping[str, Any]) -> None:
    known = symbol.list_arguments()
    for name in inputs:
        if name not in known:
            free = [argument for argument in known if argument not in args]
            raise ServiceError(f'signature.json: input {name!r} is not an input of the network, '
                               f"which has: {', '.join(free)}")


def _check_batch_axis(data_shapes: Shapes) -> None:
    for name, shape in data_shapes:
        if not shape:
            raise ServiceError(f'signature.json: the data_shape of {name!r} is empty: a network '
                               'takes arrays, and the first number is their batch')


def _check_present(network: Network, needed: Sequence[str]) -> None:
    states = network.symbol.list_auxiliary_states()
    missing = [*(name for name in needed if name not in network.args),
               *(name for name in states if name not in network.aux)]
    if not missing:
        return
    names = ', '.join(map(repr, missing[:_NAMED]))
    more = f' and {len(missing) - _NAMED} more' if len(missing) > _NAMED else ''
    are = 'parameter {} of the network is' if len(missing) == 1 else \
        'parameters {} of the network are'
    raise ServiceError(f'{network.params_file}: {are.format(names + more)} missing; '
                       f'{_mend(network)}')


def _mend(network: Network) -> str:
    # Where save_parameters finds a parameter, not what it is called.
    if any('.' in name for name in network.args):
        return ('the names in the file are those of save_parameters: write both files with '
                'HybridBlock.export')
    return 'an input of the network has to be in signature.json'


def _check_shapes(network: Network, needed: Sequence[str], data_shapes: Shapes) -> None:
    try:
        expected = _infer_shapes(network.symbol, data_shapes)
    except mx.base.MXNetError as error:
        raise ServiceError(f'The network does not take inputs of the shapes {dict(data_shapes)} '
                           f'that signature.json gives: {reason_of(error)}') from error
    given = {**{name: network.args[name] for name in needed}, **network.aux}
    for name, array in given.items():
        if tuple(array.shape) != expected.get(name, tuple(array.shape)):
            raise ServiceError(f'{network.params_file}: parameter {name!r} has the shape '
                               f'{tuple(array.shape)}, the network needs {expected[name]} for '
                               f'inputs {dict(data_shapes)}, as signature.json gives them')


def _infer_shapes(symbol: Any, data_shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the arguments and states whose shapes follow from the inputs'."""
    args, _, aux = symbol.infer_shape_partial(**dict(data_shapes))
    names = (*symbol.list_arguments(), *symbol.list_auxiliary_states())
    shapes = (*(args or ()), *(aux or ()))
    return {name: tuple(shape) for name, shape in zip(names, shapes)
            if shape and all(length > 0 for length in shape)}

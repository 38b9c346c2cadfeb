"""A network of a symbol file and a parameter file, bound for inference."""

from __future__ import annotations

import functools
import json
import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any, Callable, NamedTuple

from mms import mxnet_compat

mxnet_compat.prepare()

import mxnet as mx  # noqa: E402

from mms.errors import ServiceError  # noqa: E402
from mms.model_service.many_shapes import ManyShapesModule  # noqa: E402
from mms.model_service.reasons import reason_of  # noqa: E402

logger = logging.getLogger(__name__)

# Their second input is what to compare with: it is of no matter to the output.
_LOSS_OPERATORS = frozenset({
    'SoftmaxOutput', 'Softmax', 'LinearRegressionOutput', 'LogisticRegressionOutput',
    'MAERegressionOutput', 'SVMOutput', 'softmax_cross_entropy', 'CTCLoss', '_contrib_CTCLoss',
})

# In place of 0: what networks for pictures and sentences are made for.
_LIKELY_LENGTHS = (1, 8, 32, 64, 128, 224, 227, 256, 299, 300, 320, 331, 384, 416, 448, 512, 640)

Shapes = Sequence[tuple[str, tuple[int, ...]]]


class Network(NamedTuple):
    """What the files say.

    Attributes
    ----------
    args, aux
        Name -> NDArray: the parameters, and the auxiliary states.
    labels
        Arguments that only a loss compares with; nobody has to give them.
    """

    symbol: Any
    args: dict[str, Any]
    aux: dict[str, Any]
    labels: list[str]
    params_file: str


def load_network(symbol_path: str, params_path: str, inputs: Sequence[str]) -> Network:
    """Read both files, exactly as named.

    `inputs` are the names that the signature gives.

    Raises
    ------
    ServiceError
        A file is missing or is not what its name says.
    """
    symbol = _load(symbol_path, 'symbol file', mx.sym.load)
    return network_of(symbol, params_path, inputs)


def network_of(symbol: Any, params_path: str, inputs: Sequence[str]) -> Network:
    """A symbol that is loaded already, with the parameters of a file.

    Raises
    ------
    ServiceError
    """
    args, aux = read_parameters(params_path, symbol)
    labels = [name for name in _label_names(symbol, args) if name not in inputs]
    return Network(symbol, args, aux, labels, os.path.basename(params_path))


def read_parameters(path: str, symbol: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the auxiliary states in a file.

    Names start with ``arg:`` or ``aux:``; a name that does not is an auxiliary
    state if `symbol` has one of that name.

    Raises
    ------
    ServiceError
    """
    # A file of no arrays at all has no names either: it comes as an empty list.
    loaded = _load(path, 'parameter file', mx.nd.load) or {}
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
    given = {*inputs, *network.labels}
    needed = [name for name in symbol.list_arguments() if name not in given]
    _check_present(network, needed, network.args)
    _check_present(network, symbol.list_auxiliary_states(), network.aux)
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
    return next((shapes for shapes in candidates if _fits(network, shapes)), candidates[0])


def bind(network: Network, data_shapes: Shapes, ctx: Any) -> Any:
    """The network as an ``mx.mod.Module`` with its parameters, ready for ``forward``.

    Raises
    ------
    ServiceError
    """
    check_parameters(network, data_shapes)
    module = ManyShapesModule(
        symbol=network.symbol, context=ctx, label_names=network.labels or None,
        data_names=[name for name, _ in data_shapes],
        label_shapes_for=functools.partial(label_shapes, network._replace(args={}, aux={})))
    try:
        module.bind(for_training=False, data_shapes=list(data_shapes),
                    label_shapes=label_shapes(network, data_shapes) or None)
        module.set_params(network.args, network.aux, allow_missing=False, allow_extra=True)
    except (mx.base.MXNetError, RuntimeError, ValueError) as error:
        raise ServiceError(f'The network cannot be bound with inputs {dict(data_shapes)}: '
                           f'{reason_of(error)}') from error
    return module


def label_shapes(network: Network, data_shapes: Shapes) -> list[tuple[str, tuple[int, ...]]]:
    """Name and shape of each label, for inputs of these shapes."""
    if not network.labels:
        return []
    known = _infer_shapes(network.symbol, data_shapes)
    return [(name, known[name]) for name in network.labels if name in known]


def _filled(data_shapes: Shapes, length: int) -> Shapes:
    return [(name, tuple(size or length for size in shape)) for name, shape in data_shapes]


def _fits(network: Network, data_shapes: Shapes) -> bool:
    try:
        expected = _infer_shapes(network.symbol, data_shapes)
    except mx.base.MXNetError:
        return False
    return all(tuple(array.shape) == expected.get(name, tuple(array.shape))
               for name, array in {**network.args, **network.aux}.items())


def _load(path: str, what: str, load: Callable[[str], Any]) -> Any:
    if not os.path.isfile(path):
        raise ServiceError(f'The {what} {path} does not exist')
    try:
        return load(path)
    except (mx.base.MXNetError, ValueError, UnicodeDecodeError) as error:
        raise ServiceError(f'The {what} {path} cannot be read: {reason_of(error)}') from error


def _label_names(symbol: Any, args: Mapping[str, Any]) -> list[str]:
    """Arguments that only a loss compares with, and those called a label that no file gives."""
    nodes = json.loads(symbol.tojson())['nodes']
    uses: dict[str, set[bool]] = {}
    for node in nodes:
        for position, (source, *_) in enumerate(node['inputs']):
            is_label = node['op'] in _LOSS_OPERATORS and position > 0
            uses.setdefault(nodes[source]['name'], set()).add(is_label)
    return [name for name in symbol.list_arguments()
            if uses.get(name) == {True} or (name.endswith('label') and name not in args)]


def _check_inputs(symbol: Any, inputs: Sequence[str], args: Mapping[str, Any]) -> None:
    known = symbol.list_arguments()
    for name in inputs:
        if name not in known:
            free = [argument for argument in known if argument not in args]
            raise ServiceError(f'signature.json: input {name!r} is not an input of the network, '
                               f"which has: {', '.join(free)}")


def _check_present(network: Network, needed: Sequence[str], given: Mapping[str, Any]) -> None:
    missing = [name for name in needed if name not in given]
    if missing:
        more = f' and {len(missing) - 1} more' if len(missing) > 1 else ''
        raise ServiceError(f'{network.params_file}: parameter {missing[0]!r}{more} of the network '
                           'is missing; an input of the network has to be in signature.json')


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
                               f'{tuple(array.shape)}, the network needs {expected[name]}')


def _infer_shapes(symbol: Any, data_shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the arguments and states whose shapes follow from the inputs'."""
    args, _, aux = symbol.infer_shape_partial(**dict(data_shapes))
    names = (*symbol.list_arguments(), *symbol.list_auxiliary_states())
    shapes = (*(args or ()), *(aux or ()))
    return {name: tuple(shape) for name, shape in zip(names, shapes)
            if shape and all(length > 0 for length in shape)}

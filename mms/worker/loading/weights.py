"""The weights of a service that was just constructed: are they there, and where?"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from mms.errors import ServiceError
from mms.model_service.model_service import SingleNodeService
from mms.mxnet_engine.arrays import move_to
from mms.worker.loading.attributes import instances_in

logger = logging.getLogger(__name__)

# By name: old archives embed copies of these classes.
_NEED_NETWORK = frozenset({'MXNetBaseService._inference', 'GluonVisionService._inference'})


def place_networks(service: Any) -> None:
    """See that the nets of a service have their weights on ``service.ctx``.

    ``service.net``, a Gluon block, is moved there, with the arrays that its blocks
    keep. Other nets that the service holds get a copy there and stay where they were
    too, since a hook may well use them there. Parameters whose shapes are only known at
    the first request (deferred initialization) keep that state and are told the context.

    Raises
    ------
    ServiceError
        No parameter of ``service.net`` was ever loaded or initialized.
    """
    net, ctx = getattr(service, 'net', None), getattr(service, 'ctx', None)
    mxnet = sys.modules.get('mxnet')
    if net is None and getattr(service, 'mx_model', None) is None:
        _check_none_is_needed(service)
    if mxnet is None:
        return
    if isinstance(net, mxnet.gluon.Block):
        _check_some_are_ready(service)
    if not isinstance(ctx, mxnet.Context):
        return
    if isinstance(net, mxnet.gluon.Block):
        _move_parameters(net, ctx)
        net.apply(lambda block: _move_arrays(block, ctx))
    for _, block in instances_in(service, mxnet.gluon.Block):
        _move_parameters(block, ctx, keep=True)
    for name, module in instances_in(service, mxnet.mod.BaseModule):
        _check_context(service, name, module, ctx)


def _move_parameters(net: Any, ctx: Any, keep: bool = False) -> None:
    for parameter in filter(_is_initialized, net.collect_params().values()):
        there = parameter.list_ctx()
        if ctx not in there:
            parameter.reset_ctx([ctx, *(there if keep else ())])


def _move_arrays(block: Any, ctx: Any) -> None:
    """What a block keeps beside its parameters: tables, anchors, masks."""
    for name, value in list(vars(block).items()):
        moved = move_to(value, ctx)
        if moved is not value:
            vars(block)[name] = moved


def _check_context(service: Any, name: str, module: Any, ctx: Any) -> None:
    """A Module that was made without a context computes on the CPU, wherever its inputs are."""
    there = getattr(module, '_context', None) or [ctx]
    there = there if isinstance(there, list) else [there]
    if ctx not in there:
        logger.warning('%s: self.%s computes on %s and not on %s: make it with context=self.ctx',
                       type(service).__name__, name, there[0], ctx)


def _check_none_is_needed(service: Any) -> None:
    """The built-in hooks of a service that has no network would fail at every request."""
    cls = type(service)
    hook, runs_hooks = getattr(cls, '_inference', None), SingleNodeService.inference
    if getattr(hook, '__qualname__', '') in _NEED_NETWORK and cls.inference is runs_hooks:
        raise ServiceError(f'{cls.__name__} has no network: set self.net in __init__, '
                           'or define _inference')


def check_module(service: Any, model_dir: str, manifest: dict[str, Any]) -> None:
    """See that the parameter file holds every parameter of ``service.mx_model``.

    The built-in base does so itself. The copies of MMS 0.4's base that old
    archives embed left a missing parameter at whatever the memory held.

    Raises
    ------
    ServiceError
        Names the parameter.
    """
    module, file_name = getattr(service, 'mx_model', None), manifest['Model'].get('Parameters')
    mxnet = sys.modules.get('mxnet')
    is_checked = getattr(service, '_network', None) is not None
    if mxnet is None or is_checked or not file_name or not isinstance(module, mxnet.mod.Module):
        return
    from mms.mxnet_engine import symbolic
    path = os.path.join(model_dir, file_name)
    network = symbolic.network_of(module.symbol, path, module.data_names)
    symbolic.check_parameters(network, [(name, tuple(shape))
                                        for name, shape, *_ in module.data_shapes])


def _is_initialized(parameter: Any) -> bool:
    """Whether `parameter` has data, or was told how to get it once its shape is known."""
    try:
        parameter.list_ctx()
    except RuntimeError:
        return False
    return True


def _check_some_are_ready(service: Any) -> None:
    parameters = list(service.net.collect_params().values())
    empty = [parameter for parameter in parameters if not _is_initialized(parameter)]
    if not empty:
        return
    names = ', '.join([parameter.name for parameter in empty][:3])
    who, net = type(service).__name__, type(service.net).__name__
    if len(empty) == len(parameters):
        raise ServiceError(f'{who}: the network {net} has no weights: load its parameters or '
                           f'initialize it in __init__ (parameters: {names}, ...)')
    logger.warning('%s: parameters of the network %s without weights: %s', who, net, names)

"""The weights of a service that was just constructed: are they there, and where?"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from mms.errors import ServiceError
from mms.model_service.model_service import SingleNodeService

logger = logging.getLogger(__name__)

# By name: old archives embed copies of these classes.
_NEED_NETWORK = frozenset({'MXNetBaseService._inference', 'GluonVisionService._inference'})


def settle_net(service: Any) -> None:
    """Move the parameters of ``service.net``, a Gluon block, to ``service.ctx``.

    Parameters whose shapes are only known at the first request (deferred
    initialization) keep that state and are told the context.

    Raises
    ------
    ServiceError
        No parameter of the net was ever loaded or initialized.
    """
    net, ctx = getattr(service, 'net', None), getattr(service, 'ctx', None)
    mxnet = sys.modules.get('mxnet')
    if net is None and getattr(service, 'mx_model', None) is None:
        _see_that_none_is_needed(service)
    if mxnet is None or not isinstance(net, mxnet.gluon.Block):
        return
    parameters = list(net.collect_params().values())
    ready = [parameter for parameter in parameters if _is_initialized(parameter)]
    if len(ready) < len(parameters):
        _report_empty(service, parameters, ready)
    if isinstance(ctx, mxnet.Context):
        for parameter in ready:
            if ctx not in parameter.list_ctx():
                parameter.reset_ctx(ctx)


def _see_that_none_is_needed(service: Any) -> None:
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
    from mms.model_service import symbolic
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


def _report_empty(service: Any, parameters: list[Any], ready: list[Any]) -> None:
    names = ', '.join([parameter.name for parameter in parameters if parameter not in ready][:3])
    who, net = type(service).__name__, type(service.net).__name__
    if not ready:
        raise ServiceError(f'{who}: the network {net} has no weights: load its parameters or '
                           f'initialize it in __init__ (parameters: {names}, ...)')
    logger.warning('%s: parameters of the network %s without weights: %s', who, net, names)

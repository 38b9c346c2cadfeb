"""From a service file to a service that can answer."""

from __future__ import annotations

import inspect
import logging
import os
import types
from collections.abc import Sequence
from typing import Any, Optional

from mms.archive.service_kind import fits_format
from mms.devices.device import GPU, Device
from mms.errors import ServiceError, StartupError
from mms.model_service.model_service import ModelService, MultiNodesService, SingleNodeService
from mms.model_service.service_file import load_service
from mms.mxnet_engine.assigned_device import assigning
from mms.mxnet_engine.reasons import place_of, reason_of
from mms.worker.loading.captured_output import captured_output
from mms.worker.loading.picture_inputs import check_service
from mms.worker.loading.weights import check_module, place_networks

logger = logging.getLogger(__name__)

_ABSTRACT = (ModelService, SingleNodeService, MultiNodesService)


def import_folders(service_file: str, model_dir: str) -> list[str]:
    """Where the imports of a service file are looked for, behind the usual places."""
    beside = os.path.dirname(os.path.abspath(service_file))
    return list(dict.fromkeys([beside, os.path.abspath(model_dir)]))


def load_service_class(service_file: str, model_format: str) -> type:
    """The one service class of a service file.

    That is the leaf among the classes that the file itself defines, or, if it
    defines none, among those that it imports. Of several leaves the one is
    taken whose built-in base is made for `model_format`.

    Parameters
    ----------
    model_format
        ``MXNet-Symbolic`` or ``Gluon-Imperative``.

    Raises
    ------
    ServiceError
        The file cannot be loaded, or has no such class, or more than one.
    """
    module = load_service(service_file)
    classes = _service_classes(module)
    own = [cls for cls in classes if cls.__module__ == module.__name__]
    leaves = _leaves(own or classes)
    if len(leaves) > 1:
        leaves = [cls for cls in leaves
                  if fits_format({base.__name__ for base in cls.__mro__}, model_format)] or leaves
    if len(leaves) == 1:
        return leaves[0]
    found = ', '.join(sorted(cls.__name__ for cls in leaves)) or 'none'
    raise ServiceError(f'{service_file} must define one service class, derived from a class of '
                       f'mms.model_service; found: {found}')


def build_service(cls: type, model_name: str, model_dir: str, manifest: dict[str, Any],
                  device: Optional[Device]) -> Any:
    """Construct a service, and see that its weights are there and where it computes.

    Parameters
    ----------
    model_name
        ``Model-Name`` of the manifest.
    device
        Where to run; None for the processors, shared by all workers.

    Raises
    ------
    ServiceError
        The constructor raised, or the network's weights are missing.
    SignatureError
        No picture has the shape that the signature gives it.
    """
    gpu = device.number if device and device.kind == GPU else None
    positional, keywords = _gpu_arguments(cls, gpu)
    try:
        with captured_output(), assigning(device):
            service = cls(model_name, model_dir, manifest, *positional, **keywords)
        _check_device(service, device)
        place_networks(service)
        check_module(service, model_dir, manifest)
        check_service(service, model_dir, manifest)
    except StartupError:
        raise
    except BaseException as error:
        place = place_of(error, _file_of(cls, manifest))
        raise ServiceError(f'{place}: {cls.__name__} cannot be constructed: '
                           f'{reason_of(error)}') from error
    return service


def _service_classes(module: types.ModuleType) -> list[type]:
    found = {value for value in vars(module).values()
             if isinstance(value, type) and issubclass(value, ModelService)}
    return sorted(found.difference(_ABSTRACT), key=lambda cls: cls.__name__)


def _leaves(classes: Sequence[type]) -> list[type]:
    return [cls for cls in classes
            if not any(issubclass(other, cls) for other in classes if other is not cls)]


def _gpu_arguments(cls: type, gpu: Optional[int]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """`gpu` by keyword where the constructor names it; else as the fourth argument, if any."""
    parameters = list(inspect.signature(cls).parameters.values())
    kinds = {parameter.kind for parameter in parameters}
    named = [parameter for parameter in parameters if parameter.name == 'gpu']
    if named and named[0].kind is not inspect.Parameter.POSITIONAL_ONLY:
        return (), {'gpu': gpu}
    places = [parameter for parameter in parameters if parameter.kind in (
        inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    if len(places) > 3 and places[3].name != 'net':
        return (gpu,), {}
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return (), {'gpu': gpu}
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return (gpu,), {}
    return (), {}


def _check_device(service: Any, device: Optional[Device]) -> None:
    ctx = getattr(service, 'ctx', None)
    there = getattr(ctx, 'device_type', None), getattr(ctx, 'device_id', None)
    if device is not None and there != device:
        logger.warning('%s does not run on %s: its ctx is %s', type(service).__name__, device, ctx)


def _file_of(cls: type, manifest: dict[str, Any]) -> str:
    code = getattr(vars(cls).get('__init__'), '__code__', None)
    return code.co_filename if code else str(manifest['Model'].get('Service', cls.__module__))

"""Services whose pictures a built-in hook reads, and the signatures that it reads them for."""

from __future__ import annotations

import copy
import inspect
import logging
import os
from collections.abc import Mapping
from typing import Any

from mms.archive.picture_shapes import check_picture_shapes
from mms.archive.signature import read_signature
from mms.errors import SignatureError, StartupError
from mms.model_service.model_service import ModelService, SingleNodeService
from mms.worker.loading.live_signature import signature_of

logger = logging.getLogger(__name__)

# By name, so that a service without MXNet does not import it.
_PACKAGE = 'mms.model_service.'
_PREPROCESS = {'MXNetBaseService._preprocess', 'GluonVisionService._preprocess'}
# They compare shapes with the signature.
_INFERENCE = {'MXNetBaseService._inference', 'GluonVisionService._inference'}


def check_class(cls: type, signature: Mapping[str, Any], where: str) -> None:
    """See that pictures fit the signature of a class of services, of which none is made.

    Raises
    ------
    SignatureError
        Where the class leaves its signature as it is; else that is a warning in the log.
    """
    try:
        _check(cls, signature, where)
    except SignatureError as error:
        if not _may_change_signature(cls):
            raise
        logger.warning('%s, or let %s change self.signature: else the server does not start',
                       error, cls.__name__)


def check_service(service: Any, model_dir: str, manifest: Mapping[str, Any]) -> None:
    """See that pictures fit the live signature of a service.

    Raises
    ------
    SignatureError
    """
    if _reads_pictures(service):
        name = manifest['Model']['Signature']
        signature = signature_of(service)
        _check(service, _as_written(signature, os.path.join(model_dir, name)), name)


def _check(service: Any, signature: Mapping[str, Any], where: str) -> None:
    if _reads_pictures(service):
        check_picture_shapes(signature, where,
                             any_channels=not _is_builtin(service, '_inference', _INFERENCE))


def _reads_pictures(service: Any) -> bool:
    return (inspect.getattr_static(service, 'inference', None) is SingleNodeService.inference
            and _is_builtin(service, '_preprocess', _PREPROCESS))


def _may_change_signature(cls: type) -> bool:
    """Whether a class has a constructor of its own, or a signature."""
    constructor = inspect.getattr_static(cls, '__init__')
    return (not getattr(constructor, '__module__', '').startswith(_PACKAGE)
            or inspect.getattr_static(cls, 'signature') is not vars(ModelService)['signature'])


def _is_builtin(service: Any, hook: str, names: set[str]) -> bool:
    function = inspect.getattr_static(service, hook, None)
    return (getattr(function, '__module__', '').startswith(_PACKAGE)
            and getattr(function, '__qualname__', '') in names)


def _as_written(signature: dict[str, Any], path: str) -> dict[str, Any]:
    """With the batches of the file, for which a bound service has 1."""
    try:
        written = {entry['data_name']: entry['data_shape']
                   for entry in read_signature(path)['inputs']}
    except StartupError:
        return signature
    signature = copy.deepcopy(signature)
    for entry in signature['inputs']:
        shape = written.get(entry['data_name'], [])
        if shape[1:] == entry['data_shape'][1:] and len(shape) == len(entry['data_shape']):
            entry['data_shape'] = shape
    return signature

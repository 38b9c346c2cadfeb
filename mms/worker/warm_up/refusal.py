"""A made-up request that was not answered: where, why, and what that says of real ones."""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any, NamedTuple, Optional

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.errors import ServiceError
from mms.model_service.model_service import SingleNodeService
from mms.mxnet_engine.reasons import reason_of, request_fault
from mms.worker.batches.joint import defines_inference
from mms.worker.devices.cuda_errors import is_device_error, is_out_of_memory

_OURS = 'mms'
_RUNNERS = {f'_run{hook}': hook for hook in ('_preprocess', '_inference', '_postprocess')}


class Refusal(NamedTuple):
    """Why a made-up request has no answer.

    Attributes
    ----------
    reason
        ``FILE:LINE: ERROR`` of the last line of the user's files that had to do with it, or of
        this package's where there is none.
    certain
        Whether every real request would fare the same.
    """

    reason: str
    certain: bool


def refusal_of(error: BaseException, service: Any, signature: Mapping[str, Any]) -> Refusal:
    """What `error`, raised by a hook of `service` over a made-up request, says.

    Parameters
    ----------
    signature
        From which the request was made.
    """
    file, line, hook = _place(error, service)
    reason = f'{file}:{line}: {reason_of(error)}' if file else reason_of(error)
    return Refusal(reason, _is_certain(error, service, signature, hook))


def is_as_good_as_real(service: Any, signature: Mapping[str, Any]) -> bool:
    """Whether a made-up request gives ``_inference`` what any real one does: a built-in
    ``_preprocess`` makes it, and the signature leaves no length open but the batch.
    """
    return _is_built_in(service, '_preprocess') and all(
        'sample' not in entry and entry['data_shape'] and 0 not in entry['data_shape'][1:]
        for entry in signature['inputs'])


def is_all_built_in(service: Any, signature: Mapping[str, Any]) -> bool:
    """Whether a made-up request meets this package's hooks alone, as any real one does."""
    return is_as_good_as_real(service, signature) and all(
        _is_built_in(service, hook) for hook in _RUNNERS.values())


def _is_certain(error: BaseException, service: Any, signature: Mapping[str, Any],
                hook: str) -> bool:
    if isinstance(error, ServiceError) or is_device_error(error) or is_out_of_memory(error):
        return True
    if not is_as_good_as_real(service, signature):
        return False
    pictures = all(kind == IMAGE_TYPE for kind in input_types(signature))
    if _is_built_in(service, hook):
        return True
    # It may find fault with this picture alone.
    return hook == '_inference' and pictures and request_fault(error) is None


def _is_built_in(service: Any, hook: str) -> bool:
    if not hook or not isinstance(service, SingleNodeService) or defines_inference(service):
        return False
    function = inspect.getattr_static(service, hook)
    return (getattr(function, '__module__', None) or '').partition('.')[0] == _OURS


def _place(error: BaseException, service: Any) -> tuple[str, Optional[int], str]:
    """File and line, and the hook that was running."""
    frames = traceback.extract_tb(error.__traceback__)
    hook = next((_RUNNERS[frame.name] for frame in frames if frame.name in _RUNNERS), '')
    users = [frame for frame in frames if _is_of(_folders(service), frame.filename)]
    ours = [frame for frame in frames if f'{os.sep}{_OURS}{os.sep}model_service' in frame.filename
            and frame.name not in _RUNNERS and frame.name != 'inference']
    for frame in (*reversed(users), *reversed(ours)):
        return frame.filename, frame.lineno, hook
    return '', None, hook


def _folders(service: Any) -> set[str]:
    """Where the files of the service lie that are not this package's."""
    modules = {cls.__module__ for cls in type(service).__mro__} - {'builtins', 'abc'}
    files = [getattr(sys.modules.get(module), '__file__', None) for module in modules
             if module.partition('.')[0] != _OURS]
    return {os.path.dirname(os.path.abspath(file)) for file in files if file}


def _is_of(folders: set[str], file: str) -> bool:
    return any(os.path.dirname(os.path.abspath(file)) == folder for folder in folders)

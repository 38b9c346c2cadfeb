"""The parameters of a request, of an input or of an output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from mms.worker.codecs.inference_v2.wrong import shown, wrong

_SHARED_MEMORY = 'shared_memory_region'
_LARGEST = 2**63 - 1


def parameters_of(holder: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """The parameters of `holder`, which messages call `what`; empty where it has none.

    Raises
    ------
    BadRequest
    """
    found = holder.get('parameters')
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise wrong(f'the parameters of {what} must be an object, not {shown(found)}')
    if _SHARED_MEMORY in found:
        raise wrong(f'{what} is in shared memory, which this server does not read: send it in the '
                    'request')
    return found


def flag(parameters: Mapping[str, Any], name: str) -> Optional[bool]:
    """A parameter that is true or false; None where it is not there.

    Raises
    ------
    BadRequest
    """
    value = parameters.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise wrong(f'the parameter {name} must be true or false, not {shown(value)}')


def size_in(parameters: Mapping[str, Any], name: str) -> Optional[int]:
    """A parameter that is a whole number from 0; None where it is not there.

    Raises
    ------
    BadRequest
    """
    value = parameters.get(name)
    if value is None or (type(value) is int and 0 <= value <= _LARGEST):
        return value
    raise wrong(f'the parameter {name} must be a whole number from 0, not {shown(value)}')

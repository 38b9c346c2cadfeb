"""What speaks to a server: the clients of predictions, SDKs from the API description, and the
client of a management port.

``from mms.client import Client``: names of the clients, their limits and their errors are here, and
imported when they are first asked for. They need HTTPX, neither MXNet nor Flask.

To be imported from outside: what is named here, :mod:`mms.client.sdk`,
:mod:`mms.client.management_client` with its ``management_address``,
:mod:`mms.client.management_tls`, and :mod:`mms.client.token_file`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mms.client.predictions.async_client import AsyncClient
    from mms.client.predictions.description import Input
    from mms.client.predictions.errors import (
        AccessDenied,
        ClientError,
        ConnectionLost,
        ConnectTimedOut,
        ErrorAnswer,
        ModelFailed,
        ModelNotFound,
        NotReached,
        PayloadTooLarge,
        RequestRefused,
        ServerTimedOut,
        TimedOut,
        TLSFailed,
        TooManyRequests,
        Unavailable,
        UnreadableAnswer,
        WrongUse,
    )
    from mms.client.predictions.limits import Retries, Timeouts
    from mms.client.predictions.sync_client import Client

__all__ = [
    'AccessDenied', 'AsyncClient', 'Client', 'ClientError', 'ConnectTimedOut', 'ConnectionLost',
    'ErrorAnswer', 'Input', 'ModelFailed', 'ModelNotFound', 'NotReached', 'PayloadTooLarge',
    'RequestRefused', 'Retries', 'ServerTimedOut', 'TLSFailed', 'TimedOut', 'Timeouts',
    'TooManyRequests', 'Unavailable', 'UnreadableAnswer', 'WrongUse',
]

# Module -> what it has; all others are errors.
_ELSEWHERE = {'Client': 'sync_client', 'AsyncClient': 'async_client', 'Input': 'description',
              'Retries': 'limits', 'Timeouts': 'limits'}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    module = importlib.import_module(f'{__name__}.predictions.{_ELSEWHERE.get(name, "errors")}')
    return getattr(module, name)

"""MXNet Model Server: serves MXNet models over HTTP.

Importing this package imports nothing heavy, and never MXNet: submodules are
loaded when they are first asked for (``import mms; mms.log.setup.get_logger()``).
"""

from __future__ import annotations

import importlib
from typing import Any

from mms.version import __version__

__all__ = ['__version__']

_LAZY_SUBMODULES = frozenset({
    'arg_parser', 'export_model', 'log', 'model_loader', 'model_service',
    'mxnet_model_server', 'utils',
})


def __getattr__(name: str) -> Any:
    if name in _LAZY_SUBMODULES:
        return importlib.import_module(f'mms.{name}')
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')

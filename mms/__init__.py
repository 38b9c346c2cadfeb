"""MXNet Model Server: serves MXNet models over HTTP.

Importing this package imports nothing heavy, and never MXNet: submodules are
loaded when they are first asked for (``import mms; mms.log.setup.get_logger()``), and so is
``mms.export``, which makes an archive of a network.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mms.version import __version__

if TYPE_CHECKING:
    from mms.export_model import export_network as export

__all__ = ['__version__', 'export']

_LAZY_SUBMODULES = frozenset({
    'arg_parser', 'export_model', 'log', 'model_loader', 'model_service',
    'mxnet_model_server', 'utils',
})


def __getattr__(name: str) -> Any:
    if name in _LAZY_SUBMODULES:
        return importlib.import_module(f'mms.{name}')
    if name == 'export':
        return importlib.import_module('mms.export_model').export_network
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')

"""Helpers around MXNet's arrays; each submodule is loaded when it is asked for."""

from __future__ import annotations

import importlib
from typing import Any

_LAZY_SUBMODULES = frozenset({'image', 'ndarray', 'nlp'})


def __getattr__(name: str) -> Any:
    if name in _LAZY_SUBMODULES:
        return importlib.import_module(f'{__name__}.{name}')
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')

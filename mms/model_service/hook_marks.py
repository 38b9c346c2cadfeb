"""Marks of the built-in hooks, by which a protocol of tensors knows that it can do without lists
and texts.

A subclass that defines a hook of its own has one that is not marked.
"""

from __future__ import annotations

import inspect
from typing import Any, Callable, TypeVar

Hook = TypeVar('Hook', bound=Callable[..., Any])

_GIVES_OUTPUTS, _TAKES_ARRAYS = '_gives_outputs', '_takes_arrays'


def gives_outputs(postprocess: Hook) -> Hook:
    """It makes texts, or classes, of the network's outputs, and nothing else."""
    setattr(postprocess, _GIVES_OUTPUTS, True)
    return postprocess


def takes_arrays(preprocess: Hook) -> Hook:
    """It takes an array of NumPy where a form has a list."""
    setattr(preprocess, _TAKES_ARRAYS, True)
    return preprocess


def has_outputs(service: Any) -> bool:
    """Whether `_inference` of a service returns what there is to be told."""
    return _is_marked(service, '_postprocess', _GIVES_OUTPUTS)


def can_take_arrays(service: Any) -> bool:
    """Whether `_preprocess` of a service does."""
    return _is_marked(service, '_preprocess', _TAKES_ARRAYS)


def _is_marked(service: Any, hook: str, mark: str) -> bool:
    return getattr(inspect.getattr_static(service, hook), mark, False) is True

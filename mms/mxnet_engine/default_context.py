"""MXNet's default context while a hook runs: where arrays are made that name none.

Nothing here imports MXNet: where it is not imported there are no contexts.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any


def on_cpu() -> AbstractContextManager[Any]:
    """The processors, where alone MXNet decodes and resizes pictures."""
    mxnet = sys.modules.get('mxnet')
    return nullcontext() if mxnet is None else mxnet.cpu()


def on(ctx: Any) -> AbstractContextManager[Any]:
    """The context `ctx`; what is no context changes nothing."""
    mxnet = sys.modules.get('mxnet')
    if mxnet is None or not isinstance(ctx, mxnet.Context):
        return nullcontext()
    # A context remembers in itself what it replaced: a hook may well enter the same one again.
    entered: AbstractContextManager[Any] = mxnet.Context(ctx)
    return entered

"""The engine of MXNet that the server's workers compute in, for who compares with them."""

from __future__ import annotations

import os
from types import ModuleType

from . import after_import

_VARIABLE, _SERVED = 'MXNET_ENGINE_TYPE', 'NaiveEngine'


def compute_as_served() -> None:
    """Have MXNet compute here in the engine in which answers are served on the CPU.

    Call it before the first ``import mxnet``. The user's own ``MXNET_ENGINE_TYPE`` is heeded, and
    no process that this one starts inherits the choice.
    """
    after_import.call('mxnet', _start)


def _start(mxnet: ModuleType) -> None:
    """The engine reads its variable when it is first used."""
    chosen = os.environ.get(_VARIABLE)
    os.environ.setdefault(_VARIABLE, _SERVED)
    mxnet.nd.waitall()
    if chosen is None:
        del os.environ[_VARIABLE]

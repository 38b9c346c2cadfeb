"""How many bytes of requests and answers a server may hold, and how many processes share them."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

from mms.config.settings import Settings
from mms.runtime.byte_budget import ByteBudget
from mms.runtime.resources import buffer_bytes, usable_cores
from mms.runtime.shared_budget import SharedBudget, SharedCells

# A front process answers some 4,000 small requests a second, and the server's own process hands on
# some times as many: a quarter of the cores for the fronts leaves the rest to models.
_CORES_A_FRONT = 4
_FEWEST, _MOST = 2, 8


def front_processes(settings: Settings) -> int:
    """How many speak HTTP beside the server's own; 0 where that one does it."""
    # The memory that they share, and the handing over of connections, are Linux's.
    if sys.platform != 'linux':
        return 0
    wanted = settings.front_processes
    if wanted is None:
        wanted = min(_MOST, usable_cores() // _CORES_A_FRONT)
    return wanted if wanted >= _FEWEST else 0


def budget_of(settings: Settings) -> ByteBudget:
    """Where all bodies and answers count that this process holds."""
    return ByteBudget(settings.max_buffered_bytes or buffer_bytes(settings.max_request_bytes))


def shared_budget(settings: Settings, budget: ByteBudget, undo: ExitStack) -> ByteBudget:
    """The same where there are front processes: of all of them together.

    Parameters
    ----------
    budget
        Of this process; nothing is held.
    undo
        Lets go of what they share.
    """
    count = front_processes(settings)
    if not count:
        return budget
    cells = SharedCells.made(count + 1)
    # The memory itself goes with the last body that counts there.
    undo.callback(os.close, cells.fd)
    return SharedBudget(budget.limit_bytes, cells, 0)

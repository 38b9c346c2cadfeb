"""How many bytes of requests and answers a server may hold, and how many processes share them."""

from __future__ import annotations

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
    wanted = settings.front_processes
    if wanted is None:
        wanted = min(_MOST, usable_cores() // _CORES_A_FRONT)
    return wanted if wanted >= _FEWEST else 0


def budget_of(settings: Settings) -> ByteBudget:
    """Where all bodies and answers count that are held, by whichever process."""
    most = settings.max_buffered_bytes or buffer_bytes(settings.max_request_bytes)
    count = front_processes(settings)
    if not count:
        return ByteBudget(most)
    return SharedBudget(most, SharedCells.made(count + 1), 0)

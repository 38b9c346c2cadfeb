"""How much memory processes have, where several share some of it."""

from __future__ import annotations

from contextlib import suppress
from typing import Optional


def proportional_bytes(pid: int) -> Optional[int]:
    """The proportional share of memory (PSS) of a process: what it has for itself, and of what it
    shares as much as comes to it. It may take some milliseconds for a large process.

    Returns
    -------
    int or None
        None where the process has ended, or the system does not say.
    """
    with suppress(OSError, ValueError, IndexError), open(f'/proc/{pid}/smaps_rollup') as file:
        for line in file:
            if line.startswith('Pss:'):
                return int(line.split()[1]) * 1024
    return None

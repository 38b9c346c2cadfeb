"""When a worker that would not start is tried again."""

from __future__ import annotations

# Starts that fail one after another before the model is called unavailable.
GIVE_UP_AFTER = 3
_FIRST_DELAY_S = 0.2
_LONGEST_DELAY_S = 30.0


def delay_s(failures: int) -> float:
    """Seconds to wait after the given number of failed starts in a row (1 or more)."""
    return min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(failures - 1, 16))

"""At which batch size a network computes most requests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Callable

from mms.worker.batches.collate import padded_rows
from mms.worker.warm_up.own_time import OwnTime

# Less than this is noise. It is measured in a process that has the memory's whole bandwidth;
# beside others, which a deep queue means, larger batches win more, as they read weights less often.
_WORTH = 1.05
# A size this much slower for each item than a single one: larger ones are not tried.
_HOPELESS = 1.2
_REPEATS = 2
_BUDGET_S = 4.0


def worthwhile(times_s: Mapping[int, float]) -> int:
    """The batch size to use at most.

    Parameters
    ----------
    times_s
        Batch size -> seconds for the whole batch.

    Returns
    -------
    int
        The largest size that is within 5% of the fastest per item; 1 where none is 5%
        faster than that.
    """
    each = {size: time_s / size for size, time_s in times_s.items()}
    good = [size for size, time_s in each.items() if time_s <= min(each.values()) * _WORTH]
    return 1 if 1 in good else max(good)


def sizes_to_try(most: int) -> list[int]:
    """Powers of four, and the half and the whole of `most`."""
    powers = [4 ** power for power in range(int(math.log(most, 4)) + 1)]
    return sorted({*powers, padded_rows([1] * max(1, most // 2)), padded_rows([1] * most)})


def times_by_size(run: Callable[[Any], Any], batches: Mapping[int, Any]) -> dict[int, float]:
    """How long batches take, up to the first size that does not pay.

    Parameters
    ----------
    batches
        Size -> a batch, the smallest first.

    Returns
    -------
    dict of int to float
        Seconds for each size that was tried.

    Raises
    ------
    Exception
        What `run` raises over one request.
    """
    times: dict[int, float] = {}
    left_s = _BUDGET_S
    for size, batch in batches.items():
        try:
            left_s -= _time_s(run, batch)
        except Exception:
            # What is known of smaller batches counts, but for that of a single request.
            if len(times) < 2:
                raise
            break
        runs = [_time_s(run, batch) for _ in range(_REPEATS)]
        times[size], left_s = min(runs), left_s - sum(runs)
        if left_s < 0 or times[size] > _HOPELESS * size * times[1]:
            break
    # What a process runs first may take longer, and all others are compared with it.
    least = min(times)
    times[least] = min(times[least], _time_s(run, batches[least]))
    return times


def _time_s(run: Callable[[Any], Any], batch: Any) -> float:
    with OwnTime() as own:
        run(batch)
    return own.seconds

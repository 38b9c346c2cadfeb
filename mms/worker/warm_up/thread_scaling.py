"""On how many threads a network computes a single request soonest."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from mms.worker.processes.forking import numpy_semantics, set_threads

# How many times as fast it has to be as on the number before; less is within what repeats differ
# by.
NEEDED_GAIN = 1.05
_REPEATS = 5
# A model that computes in microseconds is run more often, and one that takes seconds less often.
_SHORTEST_S = 0.01
_LONGEST_S = 1.0


def times_by_threads(run: Callable[[], Any], counts: Sequence[int],
                     budget_s: float = math.inf) -> dict[int, float]:
    """How long a request takes on some numbers of threads, up to the first that does not pay.

    Parameters
    ----------
    run
        Computes the request, and waits for it.
    counts
        The smallest first.
    budget_s
        No number is tried after so many seconds.

    Returns
    -------
    dict of int to float
        Seconds on each number that was tried.

    Raises
    ------
    Exception
        What `run` raises.
    """
    times_s: dict[int, float] = {}
    end = time.monotonic() + budget_s
    for count in counts:
        if time.monotonic() > end:
            break
        times_s[count] = _seconds_on(count, run)
        if count not in worthwhile_counts(times_s):
            # Once more: something else may just have taken a core.
            times_s[count] = min(times_s[count], _seconds_on(count, run))
        if count not in worthwhile_counts(times_s):
            break
    return times_s


def worthwhile_counts(times_s: Mapping[int, float]) -> list[int]:
    """The first number of threads, and each that is faster than all before."""
    levels: list[int] = []
    best_s = float('inf')
    for count, seconds in times_s.items():
        if seconds * NEEDED_GAIN <= best_s:
            levels.append(count)
            best_s = seconds
    return levels


def _seconds_on(count: int, run: Callable[[], Any]) -> float:
    """In a thread of its own, whose helpers end with it: see :func:`set_threads`.

    Raises
    ------
    Exception
        What `run` raises.
    """
    seconds: list[float] = []
    raised: list[BaseException] = []
    semantics = numpy_semantics()

    def measure() -> None:
        try:
            semantics()
            set_threads(count)
            run()
            while not _is_enough(seconds):
                start = time.perf_counter()
                run()
                seconds.append(time.perf_counter() - start)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=measure, name='thread-scaling')
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return min(seconds)


def _is_enough(seconds: Sequence[float]) -> bool:
    return sum(seconds) > _LONGEST_S or (
        len(seconds) >= _REPEATS and sum(seconds) > _SHORTEST_S)

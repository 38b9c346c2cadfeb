"""How many requests a worker takes, and what those are told who come in vain: pure functions."""

from __future__ import annotations

import math

# Where nothing is known yet, or the queue moves fast.
_SHORTEST_RETRY_S = 1
_LONGEST_RETRY_S = 60
# Of the time of a request, what the batch that it is in may take.
_BATCH_SHARE = 0.5
# What takes a worker no longer is not shared: to wake another one, and for the front to read the
# answers of two, costs more than the time that it saves.
_MOMENT_S = 0.003
# A trial runs every request twice: only as many as leave most of their time to them.
_TRIAL_SHARE = 0.25
_LARGEST_TRIAL = 4
# Each request runs twice, on a machine that may be busy.
_TRIAL_SLACK = 10.0
_SHORTEST_TRIAL_S = 5.0


def fair_share(waiting: int, free_workers: int, most: int) -> int:
    """How many of the waiting requests one worker takes, when others are free as well.

    Parameters
    ----------
    free_workers
        Workers that could take some, this one included.
    most
        The batch size.
    """
    return min(most, max(1, math.ceil(waiting / max(1, free_workers))))


def largest_batch(unanswered: int, workers: int, most: int) -> int:
    """How many requests one worker may have in hand, so that all workers have some.

    Without this bound a few of many workers would take all that waits: the others would have
    nothing to do, and each would come to need the memory of a large batch.

    Parameters
    ----------
    unanswered
        Requests that wait, or are in the hands of workers.
    workers
        All that compute under load.
    most
        The batch size.
    """
    return min(most, max(1, math.ceil(unanswered / max(1, workers))))


def quick_batch(most: int, each_s: float) -> int:
    """How many requests a worker answers within a moment; 0 where it is none, or not known.

    Parameters
    ----------
    most
        The batch size.
    each_s
        How long a request runs, in batches as they come; 0 while this is not known.
    """
    return min(most, int(_MOMENT_S / each_s)) if each_s > 0 else 0


def batch_in_time(most: int, each_s: float, timeout_s: float) -> int:
    """How many requests may run together so that all have their answers in time.

    Parameters
    ----------
    each_s
        How long a request runs, in batches as they come; 0 while this is not known.
    timeout_s
        How long a request may take in all: half of it, since it may have waited.
    """
    if each_s <= 0:
        return most
    return max(1, min(most, int(timeout_s * _BATCH_SHARE / each_s)))


def trial_size(most: int, alone_s: float, timeout_s: float) -> int:
    """How many requests a trial takes; 1 when there is no time for one, or no telling.

    Parameters
    ----------
    alone_s
        How long one request runs; 0 while this is not known.
    timeout_s
        How long a request may take in all.
    """
    affordable = int(timeout_s * _TRIAL_SHARE / alone_s) if alone_s > 0 else 1
    return max(1, min(most, _LARGEST_TRIAL, affordable))


def trial_timeout_s(requests: int, alone_s: float, timeout_s: float) -> float:
    """Seconds that requests which are answered may run together before they count as hung."""
    return min(timeout_s, max(_SHORTEST_TRIAL_S, _TRIAL_SLACK * requests * alone_s))


def retry_after_s(waiting: int, each_s: float, workers: int) -> int:
    """Whole seconds until a queue of so many requests is worked off."""
    seconds = math.ceil(waiting * each_s / max(1, workers))
    return min(_LONGEST_RETRY_S, max(_SHORTEST_RETRY_S, seconds))

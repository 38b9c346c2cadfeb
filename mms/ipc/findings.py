"""What was measured of a model: what pays, and nothing that changes an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

# Larger ones are no number of threads, nor of requests that run together.
_MOST = 1 << 16
_MOST_ENTRIES = 1024
_LONGEST_NAME = 1024


class Fusion(NamedTuple):
    """A form in which one network is fast.

    Attributes
    ----------
    threads
        On how many threads.
    net
        The name of the attribute of the service that holds the network.
    form
        One of those of :mod:`mms.worker.warm_up.graph_plan`.
    """

    threads: int
    net: str
    form: str


class Findings(NamedTuple):
    """What pays.

    Attributes
    ----------
    levels
        Numbers of threads on which a single request is answered sooner than on the one before, the
        smallest first; none where it does not compute on several.
    batch_size
        Most requests that it pays to run together.
    fused
        Forms in which its networks are faster.
    """

    levels: Sequence[int]
    batch_size: int
    fused: Sequence[Fusion] = ()


def findings_of(value: Any) -> Findings:
    """Findings that came as JSON, from whoever may have written it.

    Raises
    ------
    ValueError
        They are none.
    """
    try:
        levels, batch_size, fused = value
        found = Findings(tuple(levels), batch_size, tuple(Fusion(*one) for one in fused))
    except (TypeError, ValueError) as error:
        raise ValueError('no findings') from error
    numbers = (*found.levels, found.batch_size, *(one.threads for one in found.fused))
    names = [name for one in found.fused for name in (one.net, one.form)]
    if len(numbers) > _MOST_ENTRIES or not all(
            type(number) is int and 0 < number < _MOST for number in numbers) or not all(
            isinstance(name, str) and len(name) < _LONGEST_NAME for name in names):
        raise ValueError('no findings')
    return found

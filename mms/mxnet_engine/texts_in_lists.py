"""Texts in lists, of which NumPy would make an array."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

_LISTS, _TEXTS = frozenset({list, tuple}), frozenset({str, bytes})


def hold_texts(lists: Sequence[Any]) -> bool:
    """Whether texts lie where numbers of an array would.

    NumPy gives each item as much room as the longest text takes: one long text among many items
    becomes gigabytes.
    """
    items = lists
    while (kinds := set(map(type, items))) and kinds <= _LISTS:
        items = list(chain.from_iterable(items))
    return not kinds.isdisjoint(_TEXTS)

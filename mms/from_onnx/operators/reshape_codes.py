"""Tell MXNet's reshape which lengths to keep where a request alone knows them."""

from __future__ import annotations

from typing import Optional

from mms.from_onnx.tensor import Shape

# MXNet's codes: copy one length, work one out, copy the rest, merge two, split one.
_COPY, _REST, _MERGE, _SPLIT = 0, -2, -3, -4
_INFER = -1


def reshape_codes(source: Shape, wanted: Shape) -> Optional[tuple[int, ...]]:
    """The shape argument of MXNet's reshape, or None where it has no way to say it.

    `wanted` holds numbers, names of lengths that are also in `source` or are
    computed from them, and at most one -1.
    """
    whole = _with_one_open(wanted)
    if whole is not None:
        return whole
    start = _common(source, wanted)
    kept = (_COPY,) * start
    middle = _with_one_open(wanted[start:])
    if middle is not None:
        return (*kept, *middle)
    end = _common(source[start:][::-1], wanted[start:][::-1])
    old = source[start:len(source) - end]
    new = wanted[start:len(wanted) - end]
    rest = (_REST,) if end else ()
    between = _between(old, new)
    return None if between is None else (*kept, *between, *rest)


def _with_one_open(wanted: Shape) -> Optional[tuple[int, ...]]:
    """`wanted` itself, if at most one of its lengths is not a number."""
    unknown = [dim for dim in wanted if isinstance(dim, str) or dim == _INFER]
    if len(unknown) > 1:
        return None
    return tuple(_INFER if isinstance(dim, str) else dim for dim in wanted)


def _common(one: Shape, other: Shape) -> int:
    count = 0
    for left, right in zip(one, other):
        if left != right:
            break
        count += 1
    return count


def _between(old: Shape, new: Shape) -> Optional[tuple[int, ...]]:
    if not old and all(dim == 1 for dim in new):
        return tuple(1 for _ in new)
    if len(old) == 2 and len(new) == 1:
        return (_MERGE,)
    if len(old) == 1 and len(new) == 2:
        halves = _with_one_open(new)
        return None if halves is None else (_SPLIT, *halves)
    return None

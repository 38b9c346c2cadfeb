"""How deep lists and dicts may lie in each other, in what a request or an answer holds.

The hooks, NumPy, MXNet and the comparison of answers walk through nested values by recursion: a
value that passes here ends in none of them with a RecursionError.
"""

from __future__ import annotations

import numpy as np

# NumPy's arrays have 64 dimensions at most, MXNet's 32. A walk takes two or three of Python's
# 1,000 frames a level.
MAX_NESTING = 100

# What opens and closes lists and dicts, as steps of the depth: 1, and -1 as a byte.
_STEPS = bytes.maketrans(b'[{]}', b'\x01\x01\xff\xff')
_NO_BRACKETS = bytes(set(range(256)) - set(b'[]{}'))
_AT_ONCE = 1 << 16


def is_too_deep(data: bytes) -> bool:
    """Whether JSON text has more than `MAX_NESTING` levels of lists and dicts."""
    if data.count(b'[') + data.count(b'{') <= MAX_NESTING:
        return False
    return deepest(brackets_of(without_texts(data))) > MAX_NESTING


def without_texts(data: bytes, inside: bool = False) -> bytes:
    """JSON text without what its quotes enclose.

    Parameters
    ----------
    inside
        Whether it begins within quotes.
    """
    return b''.join(split_texts(data)[inside::2])


def split_texts(data: bytes) -> list[bytes]:
    """JSON text cut at its quotes, those aside that are escaped."""
    if b'\\' in data:
        # What a pair of backslashes stands for escapes no quote.
        data = data.replace(b'\\\\', b'').replace(b'\\"', b'')
    return data.split(b'"')


def brackets_of(data: bytes) -> bytes:
    """The brackets of lists and dicts alone."""
    return data.translate(None, _NO_BRACKETS)


def deepest(brackets: bytes, depth: int = 0) -> int:
    """The largest depth within such brackets.

    Parameters
    ----------
    depth
        The one before the first of them.
    """
    most = depth
    for start in range(0, len(brackets), _AT_ONCE):
        steps = np.frombuffer(brackets[start:start + _AT_ONCE].translate(_STEPS), np.int8)
        depths = np.cumsum(steps, dtype=np.int32)
        most = max(most, depth + int(depths.max()))
        depth += int(depths[-1])
    return most

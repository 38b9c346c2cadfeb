"""Which cards the wheels of MXNet 1.9.1 have code for. None of them has any that a driver could
compile for a newer one (PTX).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Optional

Capability = tuple[int, int]

_SINCE_CUDA_11 = ((5, 0), (6, 0), (7, 0), (8, 0), (8, 6))
# Compute capabilities of the code in each: MXNET_CUDA_ARCH of MXNet's own
# config/distribution/linux_cu*.cmake.
_CODE: dict[str, tuple[Capability, ...]] = {
    'cu101': ((3, 0), (5, 0), (6, 0), (7, 0), (7, 5)),
    'cu102': ((3, 0), (5, 0), (6, 0), (7, 0), (7, 5)),
    'cu110': ((5, 0), (6, 0), (7, 0), (8, 0)),
    **{f'cu11{minor}': _SINCE_CUDA_11 for minor in range(1, 8)},
}
_NAME = re.compile(r'mxnet[-_.](cu\d{3})', re.IGNORECASE)


def cuda_of(distributions: Iterable[str]) -> str:
    """``cu117`` where a package ``mxnet-cu117`` is among the names; empty where there is none.

    Also empty where there are several: which one was installed last nobody knows.
    """
    found = {match.group(1).lower() for match in map(_NAME.fullmatch, distributions) if match}
    return found.pop() if len(found) == 1 else ''


def has_code(cuda: str, capability: Capability) -> Optional[bool]:
    """Whether a card can run what is in a wheel; None where the wheel is not known.

    Code runs on cards of the same major version, and of the same minor version or a higher one
    (CUDA C++ Programming Guide, "Binary Compatibility").
    """
    if cuda not in _CODE:
        return None
    major, minor = capability
    return any(code[0] == major and code[1] <= minor for code in _CODE[cuda])


def supported(cuda: str) -> str:
    """The capabilities that a wheel has code for, in words."""
    words = [f'{major}.x' for major in sorted({code[0] for code in _CODE[cuda]})]
    return f'{", ".join(words[:-1])} and {words[-1]}'


def others_for(cuda: str, capability: Capability) -> list[str]:
    """The wheels that have code for a card, newest first, where this one has none."""
    if has_code(cuda, capability):
        return []
    return [f'mxnet-{other}' for other in sorted(_CODE, reverse=True)
            if has_code(other, capability)]

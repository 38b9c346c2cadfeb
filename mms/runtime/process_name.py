"""What ``ps`` and ``top`` call this process."""

from __future__ import annotations

import ctypes
import sys

_PR_SET_NAME = 15
# The kernel keeps so many bytes.
_LONGEST = 15


def set_process_name(name: str) -> None:
    """Name the calling process, where the system knows such names (Linux)."""
    if sys.platform == 'linux':
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:_LONGEST], 0, 0, 0)

"""What ``ps`` and ``top`` call this process."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_PR_SET_NAME = 15
# The kernel keeps so many bytes.
_LONGEST = 15


def set_process_name(name: str) -> None:
    """Name the calling process, where the system knows such names (Linux)."""
    if sys.platform == 'linux':
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:_LONGEST], 0, 0, 0)


def set_command_line(words: str) -> None:
    """Have ``ps`` show these words in place of those that this program was started with, as far as
    there is room for them (Linux).

    As setproctitle(3) does: where the last byte of the words is not 0 any more, the kernel shows
    them up to the first that is.
    """
    with suppress(OSError, ValueError, IndexError):
        with open('/proc/self/stat', encoding='utf-8', errors='replace') as file:
            # proc(5): the name of the program is the second, and may have blanks in it.
            fields = file.read().rpartition(')')[2].split()
        start, end = int(fields[45]), int(fields[46])
        room = end - start - 2
        if start and room > 0:
            shown = words.encode('utf-8', 'replace')[:room]
            ctypes.memmove(start, shown.ljust(room + 1, b'\0') + b'.', room + 2)

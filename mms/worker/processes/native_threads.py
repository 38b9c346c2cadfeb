"""The threads of this process as the system sees them, and whose code each of them runs."""

from __future__ import annotations

import os
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_TASKS = Path('/proc/self/task')
# Of a stack so much is looked at, from its top: where a thread waits, some frames of the system's
# libraries lie on those of its own.
_STACK_BYTES = 64 * 1024
_OF_THE_SYSTEM = re.compile(r'(ld-linux|ld-musl|libc|libpthread|libstdc\+\+|libgcc_s)[-.\d]')
# Where one of these is on the stack, the thread is its helper, whatever else it computed last.
_OPENMP = re.compile(r'lib(gomp|omp|iomp)')


class _Code(NamedTuple):
    """A part of the memory that holds the code of a file."""

    start: int
    end: int
    file: str


def thread_ids() -> set[int]:
    """The system's numbers of all threads of this process; none where they cannot be seen."""
    try:
        return {int(name) for name in os.listdir(_TASKS)}
    except OSError:
        return set()


def library_of(thread_id: int) -> str:
    """The library whose code a waiting thread runs, as a file's name.

    Found by the return addresses on its stack. Empty where they cannot be read, and often of a
    thread that is busy.
    """
    try:
        words = (_TASKS / str(thread_id) / 'syscall').read_text(encoding='utf-8').split()
        if words[0] == 'running':
            return ''
        libraries = list(_libraries(int(words[-2], 16)))
        return next(filter(_OPENMP.match, libraries), ''.join(libraries[:1]))
    except (OSError, ValueError, IndexError):
        return ''


def _libraries(stack_pointer: int) -> Iterator[str]:
    stack_end, codes = stack_pointer, []
    for line in Path('/proc/self/maps').read_text(encoding='utf-8', errors='replace').splitlines():
        addresses, access, _, _, _, file = [*line.split(None, 5), ''][:6]
        start, end = (int(address, 16) for address in addresses.split('-'))
        if start <= stack_pointer < end:
            stack_end = end
        if 'x' in access and file.startswith('/'):
            codes.append(_Code(start, end, os.path.basename(file)))
    # Unlike a pointer, this does not end the process where the stack has just gone.
    with open('/proc/self/mem', 'rb', buffering=0) as memory:
        stack = os.pread(memory.fileno(), min(stack_end - stack_pointer, _STACK_BYTES),
                         stack_pointer)
    starts = [code.start for code in codes]
    for word in array('Q', stack[:len(stack) // 8 * 8]):
        place = bisect_right(starts, word) - 1
        if place >= 0 and word < codes[place].end and not _OF_THE_SYSTEM.match(codes[place].file):
            yield codes[place].file

"""When this server knows what pays: it answers before that, with one request at a time."""

from __future__ import annotations

import re
import time
from pathlib import Path

from processes import BenchmarkError

# What the log says of models that are measured later, and of those that are.
LATER = re.compile(r'Model (\S+) is loaded after .* until it is measured')
MEASURED = re.compile(r'Model (\S+) (?:is measured after|could not be measured)')
_POLL_S = 0.1
_LONGEST_S = 240.0


def await_measured(log: Path) -> None:
    """Wait until all models of a server are measured, as its log says.

    Raises
    ------
    BenchmarkError
        They are not in time.
    """
    end = time.monotonic() + _LONGEST_S
    while missing := _missing(log):
        if time.monotonic() > end:
            raise BenchmarkError(f'not measured within {_LONGEST_S:.0f} s: {", ".join(missing)}')
        time.sleep(_POLL_S)


def _missing(log: Path) -> list[str]:
    text = log.read_text(errors='replace') if log.exists() else ''
    return sorted(set(LATER.findall(text)) - set(MEASURED.findall(text)))

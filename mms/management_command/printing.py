"""What the command prints, in one of two forms."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Optional, TextIO

from mms.management_command.parser import JSON
from mms.runtime.streams import say, terminal_width

# Takes the width of the terminal, None where there is no limit.
Lines = Callable[[Optional[int]], Sequence[str]]


class Printer:
    """Prints what a verb has found.

    Parameters
    ----------
    stream
        Where to.
    form
        ``table`` or ``json``.
    """

    def __init__(self, stream: TextIO, form: str) -> None:
        self._stream = stream
        self._form = form

    def show(self, content: Any, lines: Lines) -> None:
        """Print `content` as JSON, or the lines that a person gets of it."""
        if self._form == JSON:
            # All in ASCII: what is escaped for a terminal would no longer be JSON.
            say(json.dumps(content, indent=2).split('\n'), self._stream)
        else:
            say(lines(terminal_width(self._stream)), self._stream)

"""Standard streams that may be closed, full, or read by nobody: none of this stops a server."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from typing import Any, Optional, TextIO, Union

from mms.runtime.colours import painted
from mms.runtime.printable import one_line


def open_missing_streams() -> None:
    """Put ``/dev/null`` where standard input, output or error is closed.

    Otherwise the next file or socket that is opened would get its number, and
    receive what is printed.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            _point_at_nothing(fd)
    sys.stdout = sys.stdout or os.fdopen(1, 'w', closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, 'w', closefd=False)


def is_terminal(stream: Optional[TextIO]) -> bool:
    """Whether a person reads `stream` on a terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def has_colours(stream: TextIO) -> bool:
    """Whether `stream` shows them, and nobody has asked for none (https://no-color.org)."""
    return (is_terminal(stream) and not os.environ.get('NO_COLOR')
            and os.environ.get('TERM') != 'dumb')


def terminal_width(stream: TextIO) -> Optional[int]:
    """Columns of the terminal that shows `stream`; None where there is none."""
    if not is_terminal(stream):
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


def say(text: Union[str, Iterable[str]], stream: Optional[TextIO] = None, style: str = '') -> bool:
    """Print as :func:`write` does, whether or not anybody reads it; tells whether somebody may."""
    try:
        write(text, stream, style)
    except (OSError, ValueError):
        return False
    return True


def write(text: Union[str, Iterable[str]], stream: Optional[TextIO] = None,
          style: str = '') -> None:
    """Print a line, or several.

    Control characters are escaped, line ends within a line too.

    Parameters
    ----------
    text
        The line, or the lines.
    stream
        Where to; standard output by default.
    style
        Of :mod:`mms.runtime.colours`; for terminals alone.

    Raises
    ------
    OSError, ValueError
        Nobody can read it. What is printed afterwards goes nowhere.
    """
    target: Any = stream or sys.stdout
    lines = '\n'.join(map(one_line, [text] if isinstance(text, str) else text))
    try:
        encoding = target.encoding or 'utf-8'
        shown = lines.encode(encoding, 'backslashreplace').decode(encoding)
        print(painted(shown, style) if style and has_colours(target) else shown, file=target,
              flush=True)
    except (OSError, ValueError):
        # What is left in the buffer would be tried, and fail, once more at the end.
        with contextlib.suppress(OSError, ValueError):
            _point_at_nothing(target.fileno())
        raise


def _point_at_nothing(fd: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    if nothing != fd:
        os.dup2(nothing, fd)
        os.close(nothing)

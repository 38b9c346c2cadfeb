"""Styles of text on a terminal; :func:`mms.runtime.streams.say` knows where they are shown."""

from __future__ import annotations

# Of ECMA-48; the colours are those that the person has chosen for the terminal.
BOLD, RED = '1', '31'


def painted(lines: str, style: str) -> str:
    """`lines` in a style, each for itself: what cuts one off leaves the next as it was."""
    return '\n'.join(f'\x1b[{style}m{line}\x1b[0m' if line else line
                     for line in lines.split('\n'))

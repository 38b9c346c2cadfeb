"""Parsers of words, as both commands have them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from mms.errors import UsageError
from mms.runtime.printable import one_line
from mms.version import __version__


class CommandParser(argparse.ArgumentParser):
    """Prints nothing raw of the words that it was given."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_argument('--version', action='version', version=f'%(prog)s {__version__}')

    def error(self, message: str) -> NoReturn:
        """Print `message` behind the usage, and end the process with status 2."""
        super().error(one_line(message))


class RaisingParser(argparse.ArgumentParser):
    """For a program that is no command: a wrong word is an exception.

    Parameters
    ----------
    own_words
        Whether the words are those of the process's own command line.
    """

    def __init__(self, own_words: bool, **options: Any) -> None:
        super().__init__(**options)
        self._hint = (" (the words of this process's own command line; args=[...] gives others)"
                      if own_words else '')

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(message + self._hint)


def missing_flags(missing: Sequence[str], rest: Sequence[str]) -> str:
    """What to say where flags are missing.

    Parameters
    ----------
    missing
        The flags.
    rest
        Words that are unknown: one of the flags may be misspelt. Their values may be secret.
    """
    unknown = [word.partition('=')[0] for word in rest if word.startswith('-')]
    told = f"unrecognized arguments: {' '.join(unknown)}; " if unknown else ''
    return f"{told}the following arguments are required: {', '.join(missing)}"

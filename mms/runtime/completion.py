"""Completion of a command's words in the shell, by argcomplete."""

from __future__ import annotations

import argparse
import os

# What the shell sets: the number of words before the first option.
_ASKED = '_ARGCOMPLETE'
_LINE = 'COMP_LINE'


def is_completing() -> bool:
    """Whether the shell wants to know how its line may go on, and nothing is to be run."""
    return _ASKED in os.environ


def words_so_far() -> list[str]:
    """The words of the shell's line."""
    return os.environ.get(_LINE, '').split()


def complete(parser: argparse.ArgumentParser, verb_words: int = 0) -> None:
    """Tell the shell how its line may go on, and end the process.

    Parameters
    ----------
    parser
        Of the words behind the command.
    verb_words
        How many words behind the command the parser does not know.
    """
    # Each start of a server would pay for the import.
    from argcomplete import autocomplete

    os.environ[_ASKED] = str(int(os.environ[_ASKED]) + verb_words)
    autocomplete(parser)

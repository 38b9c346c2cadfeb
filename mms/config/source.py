"""Where a value comes from."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """The sources, strongest first."""

    COMMAND_LINE = 1
    ENVIRONMENT = 2
    FILE = 3
    DEFAULT = 4


class Source(NamedTuple):
    """Where the value of an option comes from.

    Attributes
    ----------
    kind
        How strong it is.
    name
        The flag, the variable, or the file and its key, for messages.
    """

    kind: Kind
    name: str

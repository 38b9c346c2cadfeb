"""What came of running requests together that were run one by one before."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Outcome(enum.Enum):
    """What a comparison showed."""

    EQUAL = 'equal'
    INCONCLUSIVE = 'inconclusive'
    REFUSED = 'refused'


class Verdict(NamedTuple):
    """What a comparison showed, and why not more.

    Attributes
    ----------
    outcome
        ``EQUAL``; ``INCONCLUSIVE`` when nothing was compared; ``REFUSED`` when requests of the
        service may not run together.
    reason
        One clause that a log line can end with; empty when the answers are equal.
    """

    outcome: Outcome
    reason: str = ''


class Refused(Exception):
    """The reason in one clause."""

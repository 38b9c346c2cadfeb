"""How many requests one client may make."""

from __future__ import annotations

import re
from typing import NamedTuple

_UNITS_S = {'s': 1, 'm': 60, 'h': 3600}
_RATE = re.compile(r'([1-9][0-9]{0,8})/([smh])', re.ASCII)


class RateLimit(NamedTuple):
    """So many requests in so many seconds; as many may come at once.

    Attributes
    ----------
    requests
        How many, 1 or more.
    period_s
        In how long.
    """

    requests: int
    period_s: int

    @classmethod
    def parse(cls, text: str) -> RateLimit:
        """Of ``100/s``, ``600/m`` or ``5000/h``.

        Raises
        ------
        ValueError
            It is none.
        """
        found = _RATE.fullmatch(text.strip())
        if not found:
            raise ValueError(text)
        return cls(int(found[1]), _UNITS_S[found[2]])

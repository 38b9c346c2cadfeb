"""Sees that the other end of a link still does its work."""

from __future__ import annotations

import gevent

from mms.fronts.link import Link, LinkClosed

# Answered by a front at once, whatever else it has to do.
ALIVE = 'alive'
_EVERY_S = 5.0
_WITHIN_S = 5.0
# A machine that was asleep has let one go by.
_MOST_MISSED = 2


class Silent(Exception):
    """The other end is there, and does not answer."""


def watch(link: Link, reader: gevent.Greenlet, every_s: float = _EVERY_S,
          within_s: float = _WITHIN_S) -> None:
    """Return when the other end has gone.

    Parameters
    ----------
    reader
        Runs the link.
    every_s, within_s
        How often the other end is asked, and how long it may take, in seconds.

    Raises
    ------
    Silent
        It has not answered twice.
    """
    missed = 0
    while missed < _MOST_MISSED:
        try:
            link.call(ALIVE, seconds=within_s)
            missed = 0
        except TimeoutError:
            missed += 1
            continue
        except LinkClosed:
            return
        reader.join(every_s)
    raise Silent

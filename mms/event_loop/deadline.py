"""A time limit that one greenlet sets anew, again and again."""

from __future__ import annotations

import gevent

# Of libev, lower than that of sockets: what has come in time is not late where nobody has looked.
_PRIORITY = -1


class Deadline(gevent.Timeout):  # type: ignore[misc]  # gevent has no types
    """Raised in the greenlet that has made it, once its time is over.

    One is made for each connection: to make one for each request takes twice as long as to set it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._greenlet = gevent.getcurrent()
        self._loop = gevent.get_hub().loop

    def set(self, seconds: float) -> None:
        """Raise this so many seconds from now, and not when it was to be before."""
        self.close()
        self.timer = self._loop.timer(seconds, priority=_PRIORITY)
        # From now on, and not from when the loop has looked at the clock.
        self.timer.start(self._greenlet.throw, self, update=True)

    def forget(self) -> None:
        """It was raised: let go of the frames through which it went, which have this in turn."""
        self.__traceback__ = self.__context__ = None

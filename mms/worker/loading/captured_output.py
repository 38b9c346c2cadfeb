"""What a service's constructor prints, kept back until it is clear that it succeeds."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import Any, Optional, TextIO, cast

logger = logging.getLogger(__name__)


class _CapturedStream:
    """Stands for a text stream; whoever keeps it goes on writing to the real one."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._captured: Optional[list[str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        if self._captured is None:
            return int(self._stream.write(text))
        self._captured.append(text)
        return len(text)

    def pass_on(self) -> None:
        """Print what was held, and everything from now on."""
        text = self.release()
        if text:
            self._stream.write(text)

    def release(self) -> str:
        """Pass everything on from now; return what was captured."""
        text, self._captured = ''.join(self._captured or ()), None
        return text


@contextlib.contextmanager
def captured_output() -> Iterator[None]:
    """Print at the end what the block prints; log it at DEBUG if the block raises.

    MXNet's model zoo prints every failed attempt of a download: where there is
    no network, that would bury the one line that says so.
    """
    stream = sys.stdout
    captured = _CapturedStream(stream)
    with contextlib.redirect_stdout(cast(TextIO, captured)):
        try:
            yield
        except BaseException:
            for line in captured.release().splitlines():
                logger.debug('%s', line)
            raise
    captured.pass_on()

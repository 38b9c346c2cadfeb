"""When a log file is rotated, and the levels that a log has."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = ('CRITICAL', 'ERROR', 'WARNING', 'INFO', 'DEBUG', 'NOTSET')
# The file is never rotated: another program does it.
NEVER = 'never'
ROTATION_UNITS = (NEVER, 'S', 'M', 'H', 'D', 'midnight', *(f'W{day}' for day in range(7)))


@dataclass(frozen=True)
class LogRotation:
    """When the log file is rotated: every `interval` times `when`.

    `when` is a unit of :class:`logging.handlers.TimedRotatingFileHandler`, or `NEVER`.
    """

    interval: int
    when: str

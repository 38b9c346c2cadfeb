"""When a log file is rotated, and the levels that a log has."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = ('CRITICAL', 'ERROR', 'WARNING', 'INFO', 'DEBUG', 'NOTSET')
ROTATION_UNITS = ('S', 'M', 'H', 'D', 'midnight', *(f'W{day}' for day in range(7)))


@dataclass(frozen=True)
class LogRotation:
    """When the log file is rotated: every `interval` times `when`.

    `when` is a unit of :class:`logging.handlers.TimedRotatingFileHandler`.
    """

    interval: int
    when: str

"""The line that each answer leaves in the log."""

from __future__ import annotations

import logging
import time
from typing import Optional

from mms.log.lines import one_line

logger = logging.getLogger(__name__)


def log_answer(method: str, path: str, status: int, started: float, model: Optional[str]) -> None:
    """Log one answer at INFO.

    Parameters
    ----------
    method, path, status
        Of the request and its answer.
    started
        When the request began, of the monotonic clock.
    model
        Name of the endpoint, if it is a model's.
    """
    if logger.isEnabledFor(logging.INFO):
        logger.info('%s %s %d %.1f ms%s', one_line(method), one_line(path), status,
                    (time.monotonic() - started) * 1000, f' model={model}' if model else '')

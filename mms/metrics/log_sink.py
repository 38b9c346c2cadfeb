"""``--metrics-write-to log``: a line for each value."""

from __future__ import annotations

import logging

from mms.metrics.report import Report

logger = logging.getLogger(__name__)


class LogSink:
    """Writes ``Metric NAME for last 60 seconds is VALUE`` at INFO."""

    def write(self, report: Report) -> None:
        """Log every point of `report`."""
        for point in report.points:
            logger.info('Metric %s for last %g seconds is %f',
                        point.name, report.interval_s, point.value)

"""``--metrics-write-to csv``: a file for each metric, a row for each value."""

from __future__ import annotations

import contextlib
import csv
import logging
import os
import time

from mms.metrics.log_sink import LogSink
from mms.metrics.report import Point, Report

logger = logging.getLogger(__name__)


class CsvSink:
    """Appends rows ``2018-05-24 11:00:46Z,1.0`` to ``mms_NAME.csv``.

    A row that cannot be written goes to the log, and the next report tries the files again.

    Parameters
    ----------
    directory
        Folder of the files; made when the first row is written.
    """

    def __init__(self, directory: str) -> None:
        # Where the working directory is gone, the first row says so.
        with contextlib.suppress(FileNotFoundError):
            directory = os.path.abspath(directory)
        self.directory = directory
        self._fallback = LogSink()

    def write(self, report: Report) -> None:
        """Append a row for every point of `report`."""
        stamp = time.strftime('%Y-%m-%d %H:%M:%SZ', time.gmtime(report.at))
        lost: list[Point] = []
        for point in report.points:
            try:
                self._append(point, stamp)
            except OSError as error:
                if not lost:
                    logger.warning('Metrics cannot be written to the folder %s (%s); they go to '
                                   'the log', self.directory, error)
                lost.append(point)
        self._fallback.write(report._replace(points=lost))

    def _append(self, point: Point, stamp: str) -> None:
        os.makedirs(self.directory, exist_ok=True)
        path = os.path.join(self.directory, f'mms_{point.name}.csv')
        with open(path, 'a', newline='', encoding='ascii') as file:
            csv.writer(file).writerow([stamp, point.value])

"""The sink that ``--metrics-write-to`` names."""

from __future__ import annotations

from mms.errors import UsageError
from mms.metrics.cloudwatch_sink import make_cloudwatch_sink
from mms.metrics.csv_sink import CsvSink
from mms.metrics.log_sink import LogSink
from mms.metrics.report import Sink

CSV_FOLDER = 'metrics'


def make_sink(kind: str, directory: str = CSV_FOLDER) -> Sink:
    """Sink for ``log``, ``csv`` or ``cloudwatch``.

    Parameters
    ----------
    kind
        Value of ``--metrics-write-to``.
    directory
        Folder of the CSV files; made when the first row is written.

    Raises
    ------
    UsageError
        `kind` is none of the three.
    MissingExtraError
        `kind` is ``cloudwatch`` and boto3 is not installed.
    """
    if kind == 'log':
        return LogSink()
    if kind == 'csv':
        return CsvSink(directory)
    if kind == 'cloudwatch':
        return make_cloudwatch_sink()
    raise UsageError(f'--metrics-write-to {kind!r} is not one of log, csv, cloudwatch')

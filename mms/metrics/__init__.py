"""What is counted, and where it is written each minute."""

from mms.metrics.names import METRICS
from mms.metrics.registry import Metrics
from mms.metrics.report import Point, Report, Sink
from mms.metrics.sinks import CSV_FOLDER, make_sink

__all__ = ['CSV_FOLDER', 'METRICS', 'Metrics', 'Point', 'Report', 'Sink', 'make_sink']

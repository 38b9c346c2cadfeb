"""``--metrics-write-to cloudwatch``: values as CloudWatch metrics, through boto3."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from mms.errors import MissingExtraError
from mms.metrics.log_sink import LogSink
from mms.metrics.report import Point, Report, Sink

logger = logging.getLogger(__name__)

NAMESPACE = 'MXNetModelServer'
# PutMetricData takes 1000 values and 1 MB; with a 250 character model name one is under 2 kB.
MAX_POINTS_PER_CALL = 500
CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 10
MAX_ATTEMPTS = 2


class CloudWatchSink:
    """Puts every value; what a call cannot bring there goes to the log.

    Parameters
    ----------
    client
        A boto3 client of ``cloudwatch``.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._fallback = LogSink()

    def write(self, report: Report) -> None:
        """Put the points of `report`, as many to a call as one takes."""
        host = socket.gethostname()
        at = datetime.fromtimestamp(report.at, timezone.utc)
        for points in _chunks(report.points):
            try:
                self._client.put_metric_data(
                    Namespace=NAMESPACE, MetricData=[_datum(p, host, at) for p in points])
            except Exception as error:
                logger.warning('Metrics cannot be written to CloudWatch (%s); those of this '
                               'interval go to the log', error)
                self._fallback.write(report._replace(points=points))


def make_cloudwatch_sink() -> Sink:
    """A sink for the region, credentials and endpoint that boto3 finds.

    Where there is no region or no credentials, one warning says so and the sink is the log.
    Looks for credentials, on an EC2 instance over the network: call it before serving.

    Raises
    ------
    MissingExtraError
        boto3 is not installed.
    """
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise MissingExtraError(
            'CloudWatch metrics (--metrics-write-to cloudwatch)', 'cloudwatch') from None
    try:
        return CloudWatchSink(_client(boto3, Config))
    except Exception as error:
        logger.warning('Metrics cannot be written to CloudWatch (%s); they go to the log', error)
        return LogSink()


def _client(boto3: Any, config: Any) -> Any:
    session = boto3.Session()
    if session.get_credentials() is None:
        raise LookupError('no AWS credentials were found')
    return session.client('cloudwatch', config=config(
        connect_timeout=CONNECT_TIMEOUT_S, read_timeout=READ_TIMEOUT_S,
        retries={'total_max_attempts': MAX_ATTEMPTS, 'mode': 'standard'}))


def _chunks(points: Sequence[Point]) -> Iterator[Sequence[Point]]:
    for first in range(0, len(points), MAX_POINTS_PER_CALL):
        yield points[first:first + MAX_POINTS_PER_CALL]


def _datum(point: Point, host: str, at: datetime) -> dict[str, Any]:
    dimensions = [{'Name': 'host', 'Value': host}]
    if point.model is not None:
        dimensions.append({'Name': 'model_name', 'Value': point.model})
    return {'MetricName': point.name, 'Timestamp': at, 'Unit': point.unit,
            'Dimensions': dimensions, **_value(point)}


def _value(point: Point) -> dict[str, Any]:
    """Memory in MB goes with its extremes, everything else as one number, as 0.4 did it."""
    if point.unit != 'Megabytes':
        return {'Value': point.value}
    return {'StatisticValues': {'SampleCount': point.samples, 'Sum': point.total,
                                'Minimum': point.minimum, 'Maximum': point.maximum}}

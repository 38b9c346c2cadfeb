"""What is written down, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from mms.config.options import Group, option
from mms.config.values import (
    log_level,
    number,
    one_of,
    paths,
    rotation_time,
    switch,
    text,
    whole,
)
from mms.log.rotation import LEVELS, LogRotation

LOG_FORMATS = ('text', 'json')
METRICS_SINKS = ('log', 'csv', 'cloudwatch')


@dataclass(frozen=True)
class LogOptions:
    """What is written down, and where."""

    log_file: str = option(
        '--log-file', text(empty='mms_app.log'), 'mms_app.log', Group.LOG,
        metavar='FILE',
        help='log file, rotated; in the current directory if FILE is a mere name; `-` is standard '
             'output',
        more='In a container `-` is what its log collector wants: see '
             '[containers](logs.md#containers)')
    log_format: str = option(
        '--log-format', one_of(*LOG_FORMATS), 'text', Group.LOG, metavar='FORMAT',
        choices=LOG_FORMATS,
        help='lines for people and for what has always read them (`text`), or one JSON object a '
             'line (`json`)',
        more='See [JSON lines](logs.md#json-lines)')
    log_rotation: LogRotation = option(
        '--log-rotation-time', rotation_time(), '1 H', Group.LOG, metavar='WHEN',
        help='when the log file is rotated: "N UNIT" with UNIT S, M, H or D (seconds, minutes, '
             'hours, days), a weekday W0 (Monday) to W6, midnight, or never',
        more='See [the log file](logs.md#the-log-file)')
    log_level: int = option(
        '--log-level', log_level(), 'INFO', Group.LOG, metavar='LEVEL',
        help=f"least level that is logged: {', '.join(LEVELS)}")
    verbose: bool = option(
        '--verbose', switch(), 'ten lines at most', Group.LOG, unset=False,
        help='show on a terminal all that is logged, also at a start',
        more='See [the terminal](logs.md#the-terminal)')
    access_log_exclude: tuple[str, ...] = option(
        '--access-log-exclude', paths(), 'none', Group.LOG, metavar='PATHS', unset=(),
        help='paths whose requests leave no line in the log, with commas between them; '
             '`/health/*` stands for all that begin like it')
    slow_request_s: float = option(
        '--slow-request', number('seconds', 0.0, 86_400.0), '0', Group.LOG, metavar='SECONDS',
        help='a request that takes longer leaves a warning with the time of each phase; 0 for '
             'never',
        more='See [slow requests](logs.md#slow-requests)')
    metrics_write_to: str = option(
        '--metrics-write-to', one_of(*METRICS_SINKS), 'log', Group.LOG, metavar='KIND',
        choices=METRICS_SINKS,
        help='where metrics go each minute: the `log`, `metrics/mms_NAME.csv` files in the '
             'current directory (`csv`), or AWS CloudWatch (`cloudwatch`)',
        more='See [metrics](metrics.md)')
    metrics_port: Optional[int] = option(
        '--metrics-port', whole(0, 65535), 'none', Group.LOG, metavar='PORT', unset=None,
        help='another TCP port that answers `/metrics`, also while models load; 0 picks a free one',
        more='The log names it. See [Prometheus](metrics.md#prometheus)')
    metrics_host: str = option(
        '--metrics-host', text(), 'that of `--host`', Group.LOG, metavar='HOST', unset='',
        help='address to listen on with `--metrics-port`')

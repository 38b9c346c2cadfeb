"""Settings: one frozen object, made once from the command line, handed down."""

from __future__ import annotations

import argparse
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from mms.config.device_flags import ANYWHERE, Wanted, parse_devices
from mms.errors import UsageError

DEFAULT_HOST = '127.0.0.1'
DEFAULT_PORT = 8080
DEFAULT_LOG_FILE = 'mms_app.log'
DEFAULT_MAX_REQUEST_BYTES = 64 * 1024 * 1024
# A 24 megapixel camera picture fits twice; decoded at 3 bytes a pixel it is 150 MB.
DEFAULT_MAX_IMAGE_PIXELS = 50_000_000
# Clients that wait a minute for a slow model are common; a thousand that do are a queue.
DEFAULT_QUEUE_SIZE = 1000
DEFAULT_REQUEST_TIMEOUT_S = 120.0
AUTO = 'auto'
_MOST_WORKERS = 1024

LOG_LEVELS = ('CRITICAL', 'ERROR', 'WARNING', 'INFO', 'DEBUG', 'NOTSET')
ROTATION_UNITS = ('S', 'M', 'H', 'D', 'midnight', *(f'W{day}' for day in range(7)))
METRICS_SINKS = ('log', 'csv', 'cloudwatch')

_SIZE_UNITS = {'': 1, 'K': 1024, 'M': 1024**2, 'G': 1024**3}


@dataclass(frozen=True)
class LogRotation:
    """When the log file is rotated: every `interval` times `when`.

    `when` is a unit of :class:`logging.handlers.TimedRotatingFileHandler`.
    """

    interval: int
    when: str


DEFAULT_LOG_ROTATION = LogRotation(1, 'H')


@dataclass(frozen=True)
class Settings:
    """What the server was asked to do.

    Attributes
    ----------
    models
        Endpoint name -> location, in the order of the command line.
    service
        A service file that replaces every archive's own, or None.
    default_devices
        Where the workers of each model run.
    devices
        Endpoint name -> where its workers run, where the command line names it.
    default_workers
        Workers of each model; None to choose.
    workers
        Endpoint name -> its workers, where the command line names it.
    batch_size
        Most requests that run together; None to choose.
    max_batch_delay_ms
        How long a request may wait for others to run with.
    optimize
        Whether Gluon networks may be fused.
    strict
        Whether a model that does not answer a made-up request stops the start.
    queue_size
        Requests of one model that may wait; more are answered 503.
    request_timeout_s
        A request without an answer after this long is answered 504.
    max_requests_per_worker
        A worker is replaced after so many; 0 for never.
    max_worker_memory_bytes
        A worker with more private memory is replaced; 0 for no limit.
    max_request_bytes
        Largest request body that is read; a larger one is answered 413.
    max_buffered_bytes
        Most bytes of requests and answers that the front holds; more are answered 503. 0 to choose.
    max_image_pixels
        Largest width times height of a picture; a larger one is answered 400.
    """

    models: Mapping[str, str]
    service: Optional[str] = None
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    default_devices: Wanted = ANYWHERE
    devices: Mapping[str, Wanted] = field(default_factory=dict)
    default_workers: Optional[int] = None
    workers: Mapping[str, Optional[int]] = field(default_factory=dict)
    batch_size: Optional[int] = None
    max_batch_delay_ms: float = 0.0
    optimize: bool = True
    strict: bool = False
    queue_size: int = DEFAULT_QUEUE_SIZE
    request_timeout_s: float = DEFAULT_REQUEST_TIMEOUT_S
    max_requests_per_worker: int = 0
    max_worker_memory_bytes: int = 0
    gen_api: Optional[str] = None
    log_file: str = DEFAULT_LOG_FILE
    log_rotation: LogRotation = DEFAULT_LOG_ROTATION
    log_level: int = logging.INFO
    metrics_write_to: str = 'log'
    max_request_bytes: int = DEFAULT_MAX_REQUEST_BYTES
    max_buffered_bytes: int = 0
    max_image_pixels: int = DEFAULT_MAX_IMAGE_PIXELS

    @classmethod
    def from_args(cls, args: argparse.Namespace) -> Settings:
        """Check what :meth:`ArgParser.extract_args` returned and make it typed.

        Values may be strings, as the command line has them, or already typed;
        attributes that are missing or None mean their default.

        Raises
        ------
        UsageError
            A value cannot be used; the message names the flag.
        """

        def given(name: str, default: Any) -> Any:
            value = getattr(args, name, None)
            return default if value is None else value

        models = dict(given('models', {}))
        default_devices, devices = parse_devices(given('gpu', None), given('device', None), models)
        default_workers, workers = parse_workers(given('workers', AUTO), models)
        max_request_bytes = parse_size(
            '--max-request-size', given('max_request_size', DEFAULT_MAX_REQUEST_BYTES))
        return cls(
            models=models,
            service=given('service', None),
            host=given('host', DEFAULT_HOST) or DEFAULT_HOST,
            port=_whole('--port', given('port', DEFAULT_PORT), 0, 65535),
            default_devices=default_devices,
            devices=devices,
            default_workers=default_workers,
            workers=workers,
            batch_size=_auto_or_whole('--batch-size', given('batch_size', AUTO), 1024),
            max_batch_delay_ms=_number(
                '--max-batch-delay', given('max_batch_delay', 0), 'milliseconds', 0.0, 60_000.0),
            optimize=not given('no_optimize', False),
            strict=bool(given('strict', False)),
            queue_size=_whole('--queue-size', given('queue_size', DEFAULT_QUEUE_SIZE), 1, 10**6),
            request_timeout_s=_number(
                '--request-timeout', given('request_timeout', DEFAULT_REQUEST_TIMEOUT_S),
                'seconds', 0.001, 86_400.0),
            max_requests_per_worker=_whole(
                '--max-requests-per-worker', given('max_requests_per_worker', 0), 0, 10**9),
            max_worker_memory_bytes=0 if given('max_worker_memory', None) is None else parse_size(
                '--max-worker-memory', given('max_worker_memory', None)),
            gen_api=given('gen_api', None),
            log_file=given('log_file', DEFAULT_LOG_FILE) or DEFAULT_LOG_FILE,
            log_rotation=parse_rotation(given('log_rotation_time', '1 H')),
            log_level=parse_log_level(given('log_level', 'INFO')),
            metrics_write_to=_one_of(
                '--metrics-write-to', given('metrics_write_to', 'log'), METRICS_SINKS),
            max_request_bytes=max_request_bytes,
            max_buffered_bytes=_buffered_bytes(given('max_buffered_bytes', None),
                                               max_request_bytes),
            max_image_pixels=_whole(
                '--max-image-pixels', given('max_image_pixels', DEFAULT_MAX_IMAGE_PIXELS),
                1, 2**31),
        )

    def workers_of(self, model: str) -> Optional[int]:
        """Workers of a model; None to choose."""
        return self.workers.get(model, self.default_workers)

    @property
    def all_devices(self) -> list[Wanted]:
        """Where anything is to run."""
        return [self.default_devices, *self.devices.values()]

    def devices_of(self, model: str) -> Wanted:
        """Where the workers of a model are to run."""
        return self.devices.get(model, self.default_devices)


def _buffered_bytes(value: Any, max_request_bytes: int) -> int:
    if value is None:
        return 0
    size = parse_size('--max-buffered-bytes', value)
    if size < max_request_bytes:
        raise UsageError(f'--max-buffered-bytes {value!r} is less than --max-request-size, '
                         f'{max_request_bytes} bytes: the largest request would never fit')
    return size


def parse_rotation(text: str) -> LogRotation:
    """``'1 H'``, ``'W0'`` or ``'midnight'`` as a :class:`LogRotation`.

    Raises
    ------
    UsageError
    """
    words = text.split()
    if not 1 <= len(words) <= 2 or words[-1] not in ROTATION_UNITS:
        raise UsageError(
            f"--log-rotation-time {text!r} is not a rotation time: give a number and one of "
            "S, M, H, D ('1 H'), a weekday W0 to W6, or midnight")
    interval = _whole('--log-rotation-time', words[0], 1, 10**6) if len(words) == 2 else 1
    return LogRotation(interval, words[-1])


def parse_log_level(name: str) -> int:
    """Numeric level of a level's name.

    Raises
    ------
    UsageError
    """
    return int(getattr(logging, _one_of('--log-level', name, LOG_LEVELS)))


def parse_size(flag: str, value: Any) -> int:
    """Bytes of a size such as ``64M``, ``500K`` or a plain number of bytes.

    Raises
    ------
    UsageError
    """
    text = str(value).strip().upper()
    if text.endswith('B'):
        text = text[:-1]
    digits = text.rstrip('KMG')
    unit = text[len(digits):]
    if not digits.strip().isdecimal() or unit not in _SIZE_UNITS or int(digits) == 0:
        raise UsageError(f"{flag} {value!r} is not a size: give bytes, or a number with K, M or G "
                         "('64M')")
    return int(digits) * _SIZE_UNITS[unit]


def parse_workers(
    value: Any, models: Mapping[str, str],
) -> tuple[Optional[int], dict[str, Optional[int]]]:
    """Workers of every model, and of those that are named: None for ``auto``.

    Parameters
    ----------
    value
        ``auto``, a number, or a list of those and of ``NAME=N``.

    Raises
    ------
    UsageError
    """
    # The key '' stands for all models that are not named.
    given: dict[str, Optional[int]] = {}
    for word in [value] if isinstance(value, (str, int)) else value:
        name, equals, number = str(word).rpartition('=')
        count = _auto_or_whole('--workers', number, _MOST_WORKERS, shown=word)
        if equals and name not in models:
            raise UsageError(f'--workers {word!r}: there is no model {name!r} in --models')
        if name in given:
            raise UsageError(f'--workers {word!r}: {f"model {name}" if name else "every model"} '
                             'has its number from another word already')
        given[name] = count
    return given.pop('', None), given


def _auto_or_whole(flag: str, value: Any, highest: int, shown: Any = None) -> Optional[int]:
    if value == AUTO:
        return None
    try:
        return _whole(flag, value, 1, highest)
    except UsageError:
        raise UsageError(f'{flag} {value if shown is None else shown!r} is not auto or a whole '
                         f'number from 1 to {highest}') from None


def _number(flag: str, value: Any, unit: str, lowest: float, highest: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not lowest <= number <= highest:
        raise UsageError(
            f'{flag} {value!r} is not a number of {unit} from {lowest:g} to {highest:g}')
    return number


def _whole(flag: str, value: Any, lowest: int, highest: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = lowest - 1
    if not lowest <= number <= highest:
        raise UsageError(f'{flag} {value!r} is not a whole number from {lowest} to {highest}')
    return number


def _one_of(flag: str, value: Any, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise UsageError(f"{flag} {value!r} is not one of {', '.join(choices)}")
    return str(value)

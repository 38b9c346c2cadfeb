"""Settings: one frozen object, made once from the command line, handed down."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from mms.errors import UsageError

DEFAULT_HOST = '127.0.0.1'
DEFAULT_PORT = 8080
DEFAULT_LOG_FILE = 'mms_app.log'
DEFAULT_MAX_REQUEST_BYTES = 64 * 1024 * 1024
# A 24 megapixel camera picture fits twice; decoded at 3 bytes a pixel it is 150 MB.
DEFAULT_MAX_IMAGE_PIXELS = 50_000_000

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
    gpu
        Device id for ``mx.gpu``, or None for the CPU.
    max_request_bytes
        Largest request body that is read; a larger one is answered 413.
    max_image_pixels
        Largest width times height of a picture; a larger one is answered 400.
    """

    models: Mapping[str, str]
    service: Optional[str] = None
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    gpu: Optional[int] = None
    gen_api: Optional[str] = None
    log_file: str = DEFAULT_LOG_FILE
    log_rotation: LogRotation = DEFAULT_LOG_ROTATION
    log_level: int = logging.INFO
    metrics_write_to: str = 'log'
    max_request_bytes: int = DEFAULT_MAX_REQUEST_BYTES
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

        gpu = given('gpu', None)
        return cls(
            models=dict(given('models', {})),
            service=given('service', None),
            host=given('host', DEFAULT_HOST) or DEFAULT_HOST,
            port=_whole('--port', given('port', DEFAULT_PORT), 0, 65535),
            gpu=None if gpu is None else _whole('--gpu', gpu, 0, 1023),
            gen_api=given('gen_api', None),
            log_file=given('log_file', DEFAULT_LOG_FILE) or DEFAULT_LOG_FILE,
            log_rotation=parse_rotation(given('log_rotation_time', '1 H')),
            log_level=parse_log_level(given('log_level', 'INFO')),
            metrics_write_to=_one_of(
                '--metrics-write-to', given('metrics_write_to', 'log'), METRICS_SINKS),
            max_request_bytes=parse_size(
                '--max-request-size', given('max_request_size', DEFAULT_MAX_REQUEST_BYTES)),
            max_image_pixels=_whole(
                '--max-image-pixels', given('max_image_pixels', DEFAULT_MAX_IMAGE_PIXELS),
                1, 2**31),
        )


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

"""Readers: from what was typed, or stands in a config file, to the value of a setting."""

from __future__ import annotations

import logging
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Optional, TypeVar

from mms.config.cors_origins import Origins
from mms.config.rate_limit import RateLimit
from mms.config.trusted_proxies import TrustedProxies
from mms.errors import UsageError
from mms.log.rotation import LEVELS, ROTATION_UNITS, LogRotation

T_co = TypeVar('T_co', covariant=True)

AUTO = 'auto'
_NAME = re.compile(r'[A-Za-z_]\w*\*?', re.ASCII)
_SIZE_UNITS = {'': 1, 'K': 1024, 'M': 1024**2, 'G': 1024**3}
# More than any machine has, and still a number that can be shown.
_MOST_BYTES = 2**63 - 1
_SWITCH_WORDS = {'true': True, '1': True, 'yes': True, 'on': True,
                 'false': False, '0': False, 'no': False, 'off': False}


class Reader(ABC, Generic[T_co]):
    """Makes a value, typed and checked, of one that came from somewhere.

    Attributes
    ----------
    domain
        The values that are taken, as in "is not DOMAIN".
    """

    domain: str

    @abstractmethod
    def read(self, value: Any, source: str) -> T_co:
        """The value of a setting.

        Parameters
        ----------
        value
            As the command line has it, or typed already.
        source
            Where it comes from, for messages.

        Raises
        ------
        UsageError
        """

    def from_text(self, text: str) -> Any:
        """What an environment variable says, as the command line would have it.

        Raises
        ------
        ValueError
        """
        return text

    def from_toml(self, value: Any) -> Any:
        """What a config file says, as the command line would have it.

        Raises
        ------
        ValueError
        """
        return value


@dataclass(frozen=True)
class Scalar(Reader[T_co]):
    """Reads a single value.

    Parameters
    ----------
    domain
        The values that are taken.
    take
        Gives the value of a setting, and raises ValueError for what is outside the domain.
    """

    domain: str
    take: Callable[[Any], T_co]

    def read(self, value: Any, source: str) -> T_co:
        """The value of a setting; see :class:`Reader`."""
        try:
            return self.take(value)
        except ValueError:
            raise UsageError(f'{source} {value!r} is not {self.domain}') from None


@dataclass(frozen=True)
class Switch(Scalar[bool]):
    """Reads whether a flag that takes no value is given."""


@dataclass(frozen=True)
class PathText(Scalar[str]):
    """Reads a path, which an empty text is not."""

    def read(self, value: Any, source: str) -> str:
        """The value of a setting; see :class:`Reader`."""
        path = super().read(value, source)
        if not path:
            raise UsageError(f'{source} {path!r} is empty: give a path')
        return path


def switch() -> Switch:
    """True where the flag is given."""
    return Switch('true or false', _switch)


def off_switch() -> Switch:
    """False where the flag is given."""
    return Switch('true or false', lambda value: not _switch(value))


def text(empty: str = '') -> Scalar[str]:
    """Any text; `empty` is what an empty one stands for."""
    return Scalar('a text in quotes', lambda value: _text(value) or empty)


def path() -> PathText:
    """A path of a file or folder."""
    return PathText('a text in quotes', _text)


def whole(lowest: int, highest: int) -> Scalar[int]:
    """A whole number, both bounds included."""
    return Scalar(f'a whole number from {lowest} to {highest}',
                  lambda value: _whole(value, lowest, highest))


def whole_or_auto(highest: int) -> Scalar[Optional[int]]:
    """A whole number from 1; None for ``auto``."""
    return Scalar(f'auto or a whole number from 1 to {highest}',
                  lambda value: None if value == AUTO else _whole(value, 1, highest))


def number(unit: str, lowest: float, highest: float) -> Scalar[float]:
    """A number of some unit, both bounds included."""
    return Scalar(f'a number of {unit} from {lowest:g} to {highest:g}',
                  lambda value: _number(value, lowest, highest))


def size(lowest: int = 1, highest: int = _MOST_BYTES) -> Scalar[int]:
    """Bytes: a number of them, or one with a unit; both bounds included."""
    bounds = f', from {lowest} to {highest} bytes' if highest < _MOST_BYTES else ''
    return Scalar(f"a size{bounds}: give bytes, or a number with K, M or G ('64M')",
                  lambda value: _size(value, lowest, highest))


def rate_limit() -> Scalar[RateLimit]:
    """So many in a second, a minute or an hour."""
    return Scalar("a rate: give a number and one of s, m, h ('100/s', '600/m')",
                  lambda value: RateLimit.parse(_text(value)))


def one_of(*choices: str) -> Scalar[str]:
    """One of some words."""
    return Scalar(f"one of {', '.join(choices)}", lambda value: _one_of(value, choices))


def log_level() -> Scalar[int]:
    """The number of a log level, of its name."""
    return Scalar(f"one of {', '.join(LEVELS)}",
                  lambda value: int(getattr(logging, _one_of(value, LEVELS))))


def rotation_time() -> Scalar[LogRotation]:
    """``'1 H'``, ``'W0'``, ``'midnight'`` or ``'never'``."""
    return Scalar("a rotation time: give a number and one of S, M, H, D ('1 H'), a weekday W0 to "
                  'W6, midnight or never', _rotation_time)


def proxies() -> Scalar[TrustedProxies]:
    """Addresses and networks of proxies."""
    return Scalar('* or IP addresses, networks and unix with commas between them',
                  lambda value: TrustedProxies(_text(value)))


def origins() -> Scalar[Origins]:
    """Origins of pages."""
    return Scalar("*, none, or origins with commas between them ('https://example.com:8443')",
                  lambda value: Origins(_text(value)))


def paths() -> Scalar[tuple[str, ...]]:
    """Paths of requests; one that ends with a star stands for all that begin like it."""
    return Scalar("paths with commas between them ('/ping,/health/*')", _paths)


def names() -> Scalar[tuple[str, ...]]:
    """Names of environment variables; one with a star at its end stands for all that begin so."""
    return Scalar("names of variables with commas between them ('HF_TOKEN,AWS_*')", _names)


def _names(value: Any) -> tuple[str, ...]:
    found = _listed(value)
    if not all(_NAME.fullmatch(name) for name in found):
        raise ValueError
    return found


def _listed(value: Any) -> tuple[str, ...]:
    return tuple(word.strip() for word in _text(value).split(',') if word.strip())


def _paths(value: Any) -> tuple[str, ...]:
    found = _listed(value)
    if not all(path.startswith('/') for path in found):
        raise ValueError
    return found


def _switch(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in _SWITCH_WORDS:
        raise ValueError
    return _SWITCH_WORDS[word]


def _text(value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise ValueError
    return str(os.fspath(value))


def _whole(value: Any, lowest: int, highest: int) -> int:
    try:
        number = int(value)
    except (TypeError, OverflowError):
        raise ValueError from None
    is_other = isinstance(value, bool) or (isinstance(value, float) and value != number)
    if is_other or not lowest <= number <= highest:
        raise ValueError
    return number


def _number(value: Any, lowest: float, highest: float) -> float:
    if isinstance(value, bool):
        raise ValueError
    try:
        number = float(value)
    except (TypeError, OverflowError):
        raise ValueError from None
    if not lowest <= number <= highest:
        raise ValueError
    return number


def _size(value: Any, lowest: int, highest: int) -> int:
    text = str(value).strip().upper()
    if text.endswith('B'):
        text = text[:-1]
    digits = text.rstrip('KMG')
    unit = text[len(digits):]
    if not digits.strip().isdecimal() or unit not in _SIZE_UNITS:
        raise ValueError
    count = int(digits) * _SIZE_UNITS[unit]
    if not lowest <= count <= highest:
        raise ValueError
    return count


def _one_of(value: Any, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ValueError
    return str(value)


def _rotation_time(value: Any) -> LogRotation:
    words = value.split() if isinstance(value, str) else []
    if not 1 <= len(words) <= 2 or words[-1] not in ROTATION_UNITS:
        raise ValueError
    return LogRotation(_whole(words[0], 1, 10**6) if len(words) == 2 else 1, words[-1])

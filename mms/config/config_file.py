"""What a config file says: TOML, with a key for each flag."""

from __future__ import annotations

import sys
from codecs import BOM_UTF8
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from mms.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# Thousands of models fit.
_MOST_BYTES = 1024**2
# Of a whole number, as TOML has it.
_MOST_BITS = 64


def read_config(path: str, keys: Collection[str], source: str) -> Mapping[str, Any]:
    """The values of a config file, by their keys.

    Parameters
    ----------
    path
        The file.
    keys
        Those that it may have.
    source
        Where `path` comes from, for messages.

    Raises
    ------
    UsageError
        The file cannot be read, is no TOML, or has another key.
    """
    try:
        values = tomllib.loads(_text_of(path))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(_reason(path, error, source)) from None
    for key, value in values.items():
        if key not in keys:
            raise UsageError(f'{path}: there is no key {key!r}{_hint(key, keys)}')
        # Python itself refuses to show one of thousands of digits.
        if _has_long_number(value):
            raise UsageError(f'{path}: {key} has a number of more than {_MOST_BITS} bits')
    return values


def _has_long_number(value: Any) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return any(map(_has_long_number, value))
    return isinstance(value, int) and value.bit_length() > _MOST_BITS


def _text_of(path: str) -> str:
    with open(path, 'rb') as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise UsageError(f'{path} is no config file: it has more than {_MOST_BYTES} bytes')
    # Windows writes a mark before the text.
    return content.removeprefix(BOM_UTF8).decode()


def _reason(path: str, error: Exception, source: str) -> str:
    if isinstance(error, tomllib.TOMLDecodeError):
        return f'{path} is not TOML: {error}'
    if isinstance(error, UnicodeDecodeError):
        return f'{path} is not TOML: it is not UTF-8 (byte {error.start + 1})'
    if isinstance(error, RecursionError):
        return f'{path}: its values are nested too deeply'
    return f"{source} {path!r} cannot be read: {getattr(error, 'strerror', None) or error}"


def _hint(key: str, keys: Collection[str]) -> str:
    near = get_close_matches(key.replace('_', '-').lower(), keys)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return ': a key is a flag without its leading dashes, such as max-batch-delay'

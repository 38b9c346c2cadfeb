"""What a config file says: TOML, with a key for each flag."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from mms.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


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
        with open(path, 'rb') as file:
            values = tomllib.load(file)
    except (OSError, ValueError) as error:
        raise UsageError(_reason(path, error, source)) from None
    for key in values:
        if key not in keys:
            raise UsageError(f'{path}: there is no key {key!r}{_hint(key, keys)}')
    return values


def _reason(path: str, error: Exception, source: str) -> str:
    if isinstance(error, tomllib.TOMLDecodeError):
        return f'{path} is not TOML: {error}'
    if isinstance(error, UnicodeDecodeError):
        return f'{path} is not TOML: it is not UTF-8 (byte {error.start + 1})'
    return f"{source} {path!r} cannot be read: {getattr(error, 'strerror', None) or error}"


def _hint(key: str, keys: Collection[str]) -> str:
    near = get_close_matches(key.replace('_', '-').lower(), keys)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return ': a key is a flag without its leading dashes, such as max-batch-delay'

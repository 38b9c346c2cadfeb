"""JSON files of an archive, read with messages that a person can act on."""

from __future__ import annotations

import json
import os
from typing import Any

from mms.archive.limits import check_size, whole_number
from mms.errors import ArchiveError
from mms.runtime.printable import one_line

# Characters.
_SHOWN = 200


def read_json(path: str, where: str, error: type[ArchiveError], limit: int) -> Any:
    """Parse the UTF-8 JSON file at `path`; a byte order mark is tolerated.

    Parameters
    ----------
    path
        The file.
    where
        What to call the file in messages: its path, or the archive it came from.
    error
        The class of the error that is raised.
    limit
        How many bytes it may have.

    Raises
    ------
    ArchiveError
        An `error`: the file is missing, unreadable, too large, not UTF-8 or not JSON.
    """
    check_size(path, limit, where, error)
    try:
        with open(path, encoding='utf-8-sig') as stream:
            return json.load(stream, parse_int=whole_number)
    except OSError as exc:
        raise error(f'{where} cannot be read: {os_reason(exc)}') from exc
    except UnicodeDecodeError as exc:
        raise error(f'{where} is not UTF-8 text (byte {exc.start})') from exc
    except json.JSONDecodeError as exc:
        raise error(
            f'{where} is not valid JSON: {exc.msg} (line {exc.lineno}, column {exc.colno})'
        ) from exc
    except (ValueError, RecursionError) as exc:
        raise error(f'{where} is not usable JSON: its values are too large or too deep') from exc


def os_reason(exc: OSError) -> str:
    """The operating system's own words for `exc`, without path or number."""
    return os.strerror(exc.errno) if exc.errno else str(exc) or type(exc).__name__


def brief(text: str) -> str:
    """What an archive says of itself, in a message: in one line, the beginning where it is long."""
    return one_line(text if len(text) <= _SHOWN else f'{text[:_SHOWN]}...')


def kind_of(value: Any) -> str:
    """What JSON calls the type of `value`, with its article."""
    names = {bool: 'a boolean', int: 'a number', float: 'a number', str: 'a string',
             list: 'a list', dict: 'an object', type(None): 'null'}
    return names.get(type(value), type(value).__name__)

"""The value of a text: of an input, JSON or a Python literal; of a body, JSON."""

from __future__ import annotations

import codecs
from typing import Any

from mms.worker.codecs.json_scan import BYTES_A_BYTE, FREE_BYTES
from mms.worker.codecs.json_text import NestedTooDeeply, NotJson, TakesTooMuch, parse_json
from mms.worker.codecs.literal import parse_literal
from mms.worker.codecs.literal_builder import NoLiteral
from mms.worker.codecs.nesting import MAX_NESTING

# UTF-16 takes its byte order from the mark.
_MARKS = {codecs.BOM_UTF8: 'utf-8-sig', codecs.BOM_UTF16_LE: 'utf-16',
          codecs.BOM_UTF16_BE: 'utf-16'}


class Unreadable(Exception):
    """Why there is no value; the end of a message."""


def value_of(data: bytes) -> Any:
    """Value of a text in UTF-8, or in UTF-16 with its mark.

    Raises
    ------
    Unreadable
        It is neither, is nested more than 100 levels deep, or would take too much memory.
    """
    data = _in_utf8(data)
    try:
        return parse_json(data)
    except (NotJson, NestedTooDeeply, TakesTooMuch) as error:
        # Its frames hold what was parsed before.
        not_json = error.with_traceback(None)
    if not isinstance(not_json, NotJson) and b"'" not in data:
        raise _unreadable(not_json)
    try:
        # Brackets within apostrophes are none.
        return parse_literal(data)
    except (NestedTooDeeply, TakesTooMuch) as error:
        raise _unreadable(error) from None
    except NoLiteral as error:
        raise _unreadable(error if not isinstance(not_json, NotJson) or not_json.may_be_literal
                          else not_json) from None


def json_value_of(data: bytes) -> Any:
    """Value of JSON in UTF-8, or in UTF-16 with its mark.

    Raises
    ------
    Unreadable
        It is none, is nested more than 100 levels deep, or would take too much memory.
    """
    try:
        return parse_json(_in_utf8(data))
    except NotJson as error:
        raise Unreadable(f'it is no JSON ({error}).') from None
    except (NestedTooDeeply, TakesTooMuch) as error:
        raise _unreadable(error) from None


def _in_utf8(data: bytes) -> bytes:
    """Without the mark that editors and shells of Windows put before a text."""
    encoding = next((encoding for mark, encoding in _MARKS.items() if data.startswith(mark)), None)
    return data.decode(encoding, 'replace').encode() if encoding else data


def _unreadable(error: Exception) -> Unreadable:
    if isinstance(error, NestedTooDeeply):
        return Unreadable('it is nested too deeply: more than '
                          f'{MAX_NESTING} levels of lists and dicts.')
    if isinstance(error, TakesTooMuch):
        return Unreadable('its lists, dicts and short texts would take more memory than '
                          f'{BYTES_A_BYTE} times its bytes and {FREE_BYTES >> 20} MB: send it in '
                          'several requests.')
    return Unreadable(f'it is neither JSON nor a Python literal ({error}).')

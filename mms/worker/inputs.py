"""Raw inputs of a request, checked and made into what `_preprocess` takes.

Everything that a client can get wrong about its data is found here, before the
service's code or MXNet's decoder sees it (an empty picture makes OpenCV abort
the process).
"""

from __future__ import annotations

import ast
import codecs
import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.worker.form import RawInput
from mms.worker.incorrect import incorrect as _incorrect
from mms.worker.picture import read_picture

# Far above any tensor's rank; Python's literal parser overflows its C stack
# some thousands of brackets deep.
_MAX_NESTING = 100
# Half of what orjson reads, and of the depth at which json's recursion would end.
_MAX_JSON_NESTING = 500
_ESCAPE = re.compile(rb'\\.', re.DOTALL)
_TEXT = re.compile(rb'"[^"]*(?:"|\Z)|\'[^\']*(?:\'|\Z)')
_NEITHER_BRACKET_NOR_QUOTE = bytes(set(range(256)) - set(b'[]{}"\''))

# A text that is not closed runs to the end: to look for its quote again behind every quote
# would take hours for a megabyte.
_ATOM = re.compile(
    r'''\b[rbuRBU]{1,2}(?=['"])|'(?:\\.|[^'\\])*(?:'|\\?\Z)|"(?:\\.|[^"\\])*(?:"|\\?\Z)'''
    r'|\#[^\n]*|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?', re.DOTALL)
_OPERATOR_AFTER_OPERAND = re.compile(r'[\w)\]}]\s*[-+*/%@.(\[{]')

# UTF-16 takes its byte order from the mark.
_MARKS = {codecs.BOM_UTF8: 'utf-8-sig', codecs.BOM_UTF16_LE: 'utf-16',
          codecs.BOM_UTF16_BE: 'utf-16'}

# Digits as 0, what continues a fraction as a point, all else as a space.
_BONES = bytes(ord('0') if chr(code).isdecimal() else ord('.') if chr(code) in '.' else ord(' ')
               for code in range(256))
_LONG_INTEGER = b' ' + b'0' * 19


def read_inputs(
    inputs: Sequence[RawInput], signature: Mapping[str, Any], max_image_pixels: int,
) -> list[Any]:
    """Turn raw inputs into what a service's `_preprocess` takes.

    Parameters
    ----------
    inputs
        One per input of the signature, in its order.
    signature
        Its ``input_type`` says what the inputs are, save those that have one themselves.
    max_image_pixels
        Largest width times height of a picture, in pixels.

    Returns
    -------
    list
        Bytes for each ``image/jpeg`` input, a parsed list for each
        ``application/json`` input.

    Raises
    ------
    BadRequest
        An input is not what its type says.
    """
    return [read_picture(item, max_image_pixels) if kind == IMAGE_TYPE else read_list(item)
            for item, kind in zip(inputs, input_types(signature))]


def read_list(item: RawInput) -> list[Any]:
    """List in a form field, or a file part, that holds JSON or a Python literal.

    Raises
    ------
    BadRequest
    """
    value = _parse(item._replace(data=_in_utf8(item.data)))
    if not isinstance(value, list):
        raise _incorrect(
            item.name, f'application/json is expected but got {type(value)} instead of list')
    return value


def _in_utf8(data: bytes) -> bytes:
    """Without the mark that editors and shells of Windows put before a text."""
    encoding = next((encoding for mark, encoding in _MARKS.items() if data.startswith(mark)), None)
    return data.decode(encoding, 'replace').encode() if encoding else data


def _parse(item: RawInput) -> Any:
    if _is_too_deep(item.data):
        raise _incorrect(item.name, 'it is nested too deeply.')
    with contextlib.suppress(ValueError):
        return _parse_fast(item.data)
    text = item.data.decode('utf-8', 'replace')
    try:
        return json.loads(text)
    except RecursionError:
        raise _incorrect(item.name, 'it is nested too deeply.') from None
    except ValueError as error:
        not_json = error
    try:
        return _parse_literal(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        reason = str(not_json) if not _begins_as_literal(not_json, text) else \
            _literal_reason(error, text)
        raise _incorrect(
            item.name, f'it is neither JSON nor a Python literal ({reason}).') from None


def _begins_as_literal(error: ValueError, text: str) -> bool:
    """Whether it was a single quote at which JSON ended."""
    return isinstance(error, json.JSONDecodeError) and text[error.pos:error.pos + 1] == "'"


def _literal_reason(error: BaseException, text: str) -> str:
    if isinstance(error, SyntaxError):
        hint = '; a text with an apostrophe in it needs double quotes' \
            if text.count("'") % 2 else ''
        return f'{error.msg}, column {error.offset}{hint}'
    return 'it may hold texts, numbers, lists, dicts, True, False and None'


def _is_too_deep(data: bytes) -> bool:
    if data.count(b'[') + data.count(b'{') <= _MAX_JSON_NESTING:
        return False
    if b'\\' in data:
        data = _ESCAPE.sub(b'', data)
    brackets = _TEXT.sub(b'', data.translate(None, _NEITHER_BRACKET_NOR_QUOTE))
    # Without its innermost lists a tensor of many rows has few brackets left, and one level less.
    inner = brackets.replace(b'[]', b'')
    if inner.count(b'[') + inner.count(b'{') < _MAX_JSON_NESTING:
        return False
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket in b'[{' else -1
        if depth > _MAX_JSON_NESTING:
            return True
    return False


def _parse_fast(data: bytes) -> Any:
    """Value of JSON text, the same as that of :func:`json.loads`.

    Raises
    ------
    ValueError
        It is no JSON, or has a number, a text or a depth that is beyond orjson.
    """
    # orjson makes a float of an integer that 64 bits cannot hold.
    if _LONG_INTEGER in b' ' + data.translate(_BONES):
        raise ValueError('it may have an integer of more than 64 bits')
    return orjson.loads(data)


def _parse_literal(text: str) -> Any:
    """Value of a Python literal that cannot overflow the parser's C stack.

    ``1+1+1...`` and ``a.b.c...`` some 100,000 long end the process on Python 3.9
    and 3.10, so an operator behind an operand is refused unparsed.
    """
    bones = _ATOM.sub('0', text)
    if _OPERATOR_AFTER_OPERAND.search(bones) or _nesting(bones) > _MAX_NESTING:
        raise ValueError('not a plain literal')
    return ast.literal_eval(text.strip())


def _nesting(text: str) -> int:
    depth = deepest = 0
    for character in text:
        if character in '([{':
            depth += 1
            deepest = max(deepest, depth)
        elif character in ')]}':
            depth -= 1
    return deepest

"""Numbers and texts as Python's source has them."""

from __future__ import annotations

import codecs
import re
from typing import Any, Union

from mms.archive.limits import DIGITS

# Escapes of all texts that are looked at one by one: more would take some hundredths of a second.
MOST_STEPS = 100_000

NAMES = {b'True': True, b'False': False, b'None': None}

_NUMBER = re.compile(
    rb'(?P<whole>0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?0)*'
    rb'|[1-9](?:_?[0-9])*)'
    rb'|(?:(?P<digits>[0-9](?:_?[0-9])*)'
    rb'|(?:(?:[0-9](?:_?[0-9])*)?\.[0-9](?:_?[0-9])*|[0-9](?:_?[0-9])*\.?)'
    rb'(?:[eE][-+]?[0-9](?:_?[0-9])*)?)(?P<imaginary>[jJ]?)')

# A backslash that stands for itself: no escape begins with it.
_NO_ESCAPE = re.compile(rb'\\(?![\n\\\'"abfnrtv0-7xuUN])')
_NO_ESCAPE_OF_BYTES = re.compile(rb'\\(?![\n\\\'"abfnrtv0-7x])')
_BACKSLASH = rb'\u005c'
_NEW_LINE = re.compile(rb'(?<!\\)\n')


def number_of(token: bytes) -> Union[int, float, complex]:
    """Value of a number without a sign.

    Raises
    ------
    ValueError
        It is none.
    """
    if len(token) > DIGITS:  # No number that is meant as one is longer.
        raise ValueError(f'a number has more than {DIGITS} digits')
    found = _NUMBER.fullmatch(token)
    if found and found['imaginary']:
        return complex(token.decode())
    if not found or found['digits']:
        raise ValueError('a number cannot be read')
    return int(token, 0) if found['whole'] else float(token)


class Texts:
    """Reads the texts of one literal."""

    def __init__(self) -> None:
        self._steps = MOST_STEPS

    def value(self, prefix: bytes, content: bytes, is_one_line: bool) -> Union[str, bytes]:
        """Value of a text, or of bytes.

        Parameters
        ----------
        prefix
            In small letters.
        content
            What its quotes enclose.

        Raises
        ------
        ValueError
            It is none, or the texts so far have too many escapes of the kinds that are slow.
        """
        if is_one_line and _NEW_LINE.search(content.replace(b'\\\\', b'')):
            raise ValueError('a text has no closing quote on its line')
        if b'b' in prefix and not content.isascii():
            raise ValueError('bytes can only contain ASCII characters')
        if b'\\' not in content or b'r' in prefix:
            return content if b'b' in prefix else content.decode('utf-8', 'replace')
        return self._bytes_of(content) if b'b' in prefix else self._unescaped(content)

    def _unescaped(self, content: bytes) -> str:
        self._take_steps(content.count(b'\\N'), 'names of characters')
        content = self._settled(content.replace(b'\\\\', _BACKSLASH), _NO_ESCAPE, _BACKSLASH)
        if not content.isascii():
            content = content.decode('utf-8', 'replace').encode('ascii', 'backslashreplace')
        return codecs.unicode_escape_decode(content)[0]

    def _bytes_of(self, content: bytes) -> bytes:
        content = self._settled(content.replace(b'\\\\', rb'\x5c'), _NO_ESCAPE_OF_BYTES,
                                rb'\x5c')
        value: Any = codecs.escape_decode(content)[0]
        return bytes(value)

    def _settled(self, content: bytes, no_escape: re.Pattern[bytes], backslash: bytes) -> bytes:
        content, count = no_escape.subn(lambda _: backslash, content, self._steps + 1)
        self._take_steps(count, 'backslashes that are no escapes')
        return content

    def _take_steps(self, count: int, what: str) -> None:
        self._steps -= count
        if self._steps < 0:
            raise ValueError(f'its texts have too many {what}')

"""When certificates begin and end, read from their bytes.

Python's ``ssl`` tells it of no certificate that is served (``getpeercert`` is of the other side's),
and a library for it would be larger than this server. What is read is the beginning of each
certificate, which RFC 5280 has fixed (4.1): in DER, a sequence of a version, a number, an
algorithm, an issuer, and the two times.
"""

from __future__ import annotations

import binascii
import re
from calendar import timegm
from typing import NamedTuple

from mms.runtime.pem import pem_blocks

_LABELS = ('CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE')
_SEQUENCE, _VERSION = 0x30, 0xa0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
# Before the times.
_NUMBER_ALGORITHM_ISSUER = 3
# RFC 5280, 4.1.2.5.1: years of two digits are those of 1950 to 2049.
_PIVOT = 50
_TIME = re.compile(r'(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z')


class Validity(NamedTuple):
    """When a certificate counts.

    Attributes
    ----------
    begins, ends
        Seconds since 1970.
    """

    begins: int
    ends: int


def validities(pem: bytes) -> list[Validity]:
    """Of each certificate in a PEM file, in its order.

    Raises
    ------
    ValueError
        One of them is none, or some block is cut off.
    """
    return [_validity(_der(block.text)) for block in pem_blocks(pem) if block.label in _LABELS]


def _der(block: bytes) -> bytes:
    body = b''.join(block.split(b'-----')[2].split())
    try:
        return binascii.a2b_base64(body)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _validity(der: bytes) -> Validity:
    try:
        inside = _Elements(_Elements(_Elements(der).take(_SEQUENCE)).take(_SEQUENCE))
        if inside.tag == _VERSION:
            inside.take()
        for _ in range(_NUMBER_ALGORITHM_ISSUER):
            inside.take()
        times = _Elements(inside.take(_SEQUENCE))
        return Validity(times.take_time(), times.take_time())
    except IndexError:
        raise ValueError('it ends too early') from None


class _Elements:
    """The elements in some DER, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def tag(self) -> int:
        """Of the next one."""
        return self._data[self._at]

    def take(self, tag: int = 0) -> bytes:
        """What is in the next one, which is to have that tag unless it is 0."""
        if tag and self.tag != tag:
            raise ValueError(f'it has {self.tag:#x} in the place of {tag:#x}')
        length, self._at = self._data[self._at + 1], self._at + 2
        if length & 0x80:
            count = length & 0x7f
            length = int.from_bytes(self._data[self._at:self._at + count], 'big')
            self._at += count
        content = self._data[self._at:self._at + length]
        if len(content) < length:
            raise ValueError('it ends too early')
        self._at += length
        return content

    def take_time(self) -> int:
        """The next one, a time, as seconds since 1970."""
        tag = self.tag
        if tag not in (_UTC_TIME, _GENERALIZED_TIME):
            raise ValueError(f'it has {tag:#x} in the place of a time')
        text = self.take().decode('ascii')
        if tag == _UTC_TIME:
            text = ('19' if int(text[:2]) >= _PIVOT else '20') + text
        found = _TIME.fullmatch(text)
        if not found:
            raise ValueError(f'{text!r} is no time')
        return timegm(tuple(map(int, found.groups())))

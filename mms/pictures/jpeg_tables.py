"""The tables in a JPEG's head, and whether libjpeg takes them."""

from __future__ import annotations

from typing import Callable

from mms.pictures.faults import Unreadable

_MOST_TABLES = 4
_COEFFICIENTS = 64
_CODE_LENGTHS, _MAX_CODES = 16, 256


def _check_quantization(body: bytes) -> None:
    place = 0
    while place < len(body):
        if body[place] & 0x0f >= _MOST_TABLES:
            raise _broken('quantization')
        place += 1 + _COEFFICIENTS * (2 if body[place] >> 4 else 1)
    if place != len(body):
        raise _broken('quantization')


def _check_huffman(body: bytes) -> None:
    place = 0
    while len(body) - place > _CODE_LENGTHS:
        if body[place] & ~0x10 >= _MOST_TABLES:
            raise _broken('Huffman')
        codes = sum(body[place + 1:place + 1 + _CODE_LENGTHS])
        place += 1 + _CODE_LENGTHS + codes
        if codes > _MAX_CODES or place > len(body):
            raise _broken('Huffman')
    if place != len(body):
        raise _broken('Huffman')


def _check_arithmetic(body: bytes) -> None:
    for index, value in zip(body[::2], body[1::2]):
        is_upside_down = index < 16 and value & 0x0f > value >> 4
        if index >= 32 or is_upside_down:
            raise _broken('arithmetic coding')
    if len(body) % 2:
        raise _broken('arithmetic coding')


def _check_restarts(body: bytes) -> None:
    if len(body) != 2:
        raise _broken('restart')


def _broken(table: str) -> Unreadable:
    return Unreadable(f'a {table} table of the JPEG is broken')


# By marker: DHT, DAC, DQT, DRI.
CHECKS: dict[int, Callable[[bytes], None]] = {
    0xc4: _check_huffman, 0xcc: _check_arithmetic, 0xdb: _check_quantization,
    0xdd: _check_restarts,
}

"""What JSON text will take as Python's objects, and where it can be cut, found before it is parsed.

All of it is counted by functions that go through 64 KB at once, so that it costs a fraction of
what the parser does.
"""

from __future__ import annotations

from typing import NamedTuple

from mms.worker.codecs.nesting import MAX_NESTING, brackets_of, deepest, split_texts

_WINDOW_BYTES = 1 << 16
# What Python's objects of a text may take: so much for each of its bytes, and so much at any rate.
# Lists of a number or two take up to 30 bytes for each of theirs.
BYTES_A_BYTE = 9
FREE_BYTES = 64 * 1024**2
# The parser holds 16 to 24 bytes for each value of what it is given at once.
PIECE_BYTES = 1 << 18
_PARSER_BYTES = 24

# Bytes of CPython's objects, as its allocator rounds them (3.9 to 3.13).
_PLACE = 8
_NUMBER = 32
_TEXT = 72
_LIST = 72
_DICT = 232
# A dict has room for five pairs; from then on it grows in steps, in which much is empty.
_PAIR = 112
_FREE_PAIRS = 5

# Numbers as 0, what is between them as a space, blanks left out.
_BONES = bytes(ord('0') if chr(code) in '0123456789.eE+' else ord('-') if chr(code) == '-'
               else ord(' ') for code in range(256))
_BLANKS = b' \t\r\n'
# One and two digits are integers that CPython has once and for all.
_OWN_NUMBER = b' 000'
_AFTER = (b'},', b'],', b',')


class Cut(NamedTuple):
    """A comma between two items of a list that is in nothing but lists.

    Attributes
    ----------
    end
        The first byte behind it.
    depth
        How many lists are open there.
    """

    end: int
    depth: int


class Scan(NamedTuple):
    """What was found.

    Attributes
    ----------
    cuts
        About one for each `PIECE_BYTES`.
    cost_bytes
        The memory that its values take at most while they are parsed.
    is_too_deep
        Whether it has more than `MAX_NESTING` levels; the rest counts for nothing then.
    """

    cuts: list[Cut]
    cost_bytes: int
    is_too_deep: bool = False


def scan(data: bytes) -> Scan:
    """Go through JSON text; of what is no JSON, nothing that is found is wrong but the cuts."""
    is_narrow = data.isascii() and (b'\\' not in data or b'\\u' not in data)
    counts = _Counts(1 if is_narrow else 4)
    cuts: list[Cut] = []
    start = 0
    while start < len(data):
        end = _window_end(data, start)
        counts.add(data[start:end])
        if counts.deepest > MAX_NESTING:
            return Scan([], 0, is_too_deep=True)
        start = end
        if (start - (cuts[-1].end if cuts else 0) >= PIECE_BYTES and data[end - 1] == ord(',')
                and counts.is_in_lists):
            cuts.append(Cut(end, counts.depth))
            counts.end_piece()
    counts.end_piece()
    return Scan(cuts, counts.cost_bytes + counts.piece_bytes)


def cost_of_numbers(data: bytes, values: int) -> int:
    """Memory of so many values, of which those that are numbers are written in `data`."""
    most = (_PLACE + _NUMBER) * values
    if most <= BYTES_A_BYTE * len(data):
        return most
    bones = b' ' + data.translate(_BONES, _BLANKS)
    return _PLACE * values + _NUMBER * (bones.count(_OWN_NUMBER) + bones.count(b'-'))


def _window_end(data: bytes, start: int) -> int:
    """Behind a comma, where there is one; never behind the first half of an escape."""
    end = min(start + _WINDOW_BYTES, len(data))
    for mark in _AFTER:
        # One byte is found sooner than two.
        place = data.rfind(mark[:1], start, end)
        place = data.rfind(mark, start, end) if place >= 0 else place
        if place >= 0:
            return place + len(mark)
    if data[end - 1] != ord('\\'):
        return end
    window = data[start:end]
    return min(end + (len(window) - len(window.rstrip(b'\\'))) % 2, len(data))


class _Counts:
    """Of the text up to here."""

    def __init__(self, bytes_of_a_character: int) -> None:
        self._bytes_of_a_character = bytes_of_a_character
        self._is_inside = False
        self._dicts = 0
        self._values = 0
        self.depth = 0
        self.deepest = 0
        self.cost_bytes = 0
        self.piece_bytes = 0

    @property
    def is_in_lists(self) -> bool:
        return not self._is_inside and self._dicts == 0 and self.depth > 0

    def end_piece(self) -> None:
        self.piece_bytes = max(self.piece_bytes, self._values * _PARSER_BYTES)
        self._values = 0

    def add(self, window: bytes) -> None:
        texts: list[bytes] = []
        if self._is_inside or b'"' in window:
            parts = split_texts(window)
            window = b' '.join(parts[self._is_inside::2])
            texts = parts[not self._is_inside::2]
            self._is_inside ^= len(parts) % 2 == 0
        lists = window.count(b'[')
        dicts = window.count(b'{') if b'{' in window else 0
        self._follow(window, lists, dicts)
        values = window.count(b',') + lists + dicts
        self._values += values
        self.cost_bytes += (cost_of_numbers(window, values) + _LIST * lists + _DICT * dicts
                            + self._cost_of_texts(texts, window, dicts))

    def _cost_of_texts(self, texts: list[bytes], window: bytes, dicts: int) -> int:
        if not texts:
            return 0
        keys = window.count(b':')
        # The parser has equal keys once.
        own_keys = min(keys, len(set(texts))) if keys else 0
        return (_TEXT * (max(0, len(texts) - keys) + own_keys)
                + _PAIR * max(0, keys - _FREE_PAIRS * dicts)
                + self._bytes_of_a_character * sum(map(len, texts)))

    def _follow(self, window: bytes, lists: int, dicts: int) -> None:
        if self.depth + lists + dicts > MAX_NESTING:
            self.deepest = max(self.deepest, deepest(brackets_of(window), self.depth))
        closed = window.count(b'}') if b'}' in window else 0
        self._dicts += dicts - closed
        self.depth += lists + dicts - closed - window.count(b']')

"""A Python literal read from its first token to its last, without recursion."""

from __future__ import annotations

import re
from typing import Any

import orjson

from mms.worker.codecs.json_scan import cost_of_numbers
from mms.worker.codecs.json_text import NestedTooDeeply, check_cost, has_long_integer
from mms.worker.codecs.literal_tokens import NAMES, Texts, number_of
from mms.worker.codecs.nesting import MAX_NESTING

# More would take a tenth of a second.
MOST_PARTS = 100_000
# Many numbers may have one hash, on purpose: each is then compared with all others. Those of texts
# are drawn by lot.
MOST_OTHER_KEYS = 1000

# Numbers with commas between them, as JSON has them; not more at once than the parser may take
# memory for.
_NUMBERS = re.compile(rb'[-0-9.eE, \t\n]{32,65536}')
_TOKEN = re.compile(
    rb'(?P<blank>[ \t\f\n]+|\\\n|\#[^\n]*)'
    rb'|(?P<quote>(?:[rR]|[uU]|[bB]|[bB][rR]|[rR][bB])?(?:"{3}|\'{3}|["\']))'
    rb'|(?P<number>\.?[0-9][0-9A-Za-z_.]*(?:(?<=[eE])[-+][0-9A-Za-z_.]*)?)'
    rb'|(?P<name>[A-Za-z_\x80-\xff][A-Za-z_0-9\x80-\xff]*)'
    rb'|(?P<mark>[][(){},:+-])')
_WINDOW_BYTES = 64
_CLOSED_BY = {b'[': b']', b'(': b')', b'{': b'}'}

_HOLDS = 'it may hold texts, numbers, lists, dicts, True, False and None'
_TOO_MANY = (f'of a Python literal of this kind at most {MOST_PARTS} parts are read: '
             'send it as JSON')


class NoLiteral(ValueError):
    """The reason why a text is no Python literal that is taken."""


class _Group:
    """A list, tuple, dict or set that is not closed yet, or all that there is.

    Attributes
    ----------
    mark
        What it began with.
    items
        Its values; of a dict keys and values by turns.
    has_comma
        Whether it is a tuple, if it is in parentheses.
    colons
        How many.
    """

    __slots__ = ('colons', 'has_comma', 'items', 'mark')

    def __init__(self, mark: bytes) -> None:
        self.mark = mark
        self.items: list[Any] = []
        self.has_comma = False
        self.colons = 0

    @property
    def is_whole(self) -> bool:
        """Whether each key of a dict has its value, and a set has none."""
        return not self.colons or 2 * self.colons == len(self.items)

    @property
    def takes_colon(self) -> bool:
        """Whether its last item may be a key."""
        return self.mark == b'{' and len(self.items) == 2 * self.colons + 1

    @property
    def is_dict(self) -> bool:
        """Whether it is a dict, if it is in braces."""
        return bool(self.colons or not self.items)

    @property
    def keys(self) -> list[Any]:
        """What is looked up by its hash: the keys of a dict, the items of a set."""
        if self.mark != b'{':
            return []
        return self.items[::2] if self.is_dict else self.items

    def value(self) -> Any:
        """What it is, now that it is closed."""
        if self.mark == b'[':
            return self.items
        if self.mark != b'{':
            return tuple(self.items) if self.has_comma or not self.items else self.items[0]
        try:
            if self.is_dict:
                return dict(zip(self.keys, self.items[1::2]))
            return set(self.keys)
        except TypeError:
            raise NoLiteral('a key of a dict, or an item of a set, is a list, dict or set') \
                from None


class Builder:
    """Reads one literal; between two tokens a value is due, or a comma, a colon or an end.

    Parameters
    ----------
    data
        The literal in UTF-8.
    """

    def __init__(self, data: bytes) -> None:
        if b'\r' in data:
            data = data.replace(b'\r\n', b'\n').replace(b'\r', b'\n')
        self._data = data
        self._place = 0
        self._groups = [_Group(b'')]
        self._is_due = True
        self._sign = b''
        self._texts = Texts()
        # Texts that stand side by side are one.
        self._side_by_side: list[Any] = []
        self._steps = MOST_PARTS
        self._no_run_before = 0
        self._cost_bytes = 0
        self._other_keys = 0

    def value(self) -> Any:
        """The value of the whole.

        Raises
        ------
        NoLiteral
        NestedTooDeeply
        TakesTooMuch
        """
        while self._place < len(self._data):
            self._read_token()
        self._end_text()
        whole = self._groups[-1]
        if len(self._groups) > 1:
            raise self._wrong(f"'{whole.mark.decode()}' was never closed")
        if self._sign or not whole.items:
            raise self._wrong('invalid syntax')
        return whole.value()

    def _read_token(self) -> None:
        self._step()
        if self._is_due and not self._sign and self._take_numbers():
            return
        found = _TOKEN.match(self._data, self._place)
        if not found:
            raise self._wrong('invalid syntax')
        kind, token = found.lastgroup, found[0]
        if kind == 'quote':
            self._take_text(token)
            return
        if kind != 'blank':
            self._end_text()
            if kind == 'mark':
                self._take_mark(token)
            elif kind == 'number':
                self._put(self._number(token))
            else:
                self._put(self._named(token))
        self._place = found.end()

    def _step(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise NoLiteral(_TOO_MANY)

    def _take_mark(self, mark: bytes) -> None:
        if mark in b'+-[({':
            self._take_beginning(mark)
        elif self._sign:
            raise self._wrong('invalid syntax')
        elif mark == b',':
            self._take_comma(self._groups[-1])
        elif mark == b':':
            self._take_colon(self._groups[-1])
        else:
            self._close(self._groups[-1], mark)

    def _take_beginning(self, mark: bytes) -> None:
        if not self._is_due or self._sign:
            raise NoLiteral(_HOLDS)
        if mark in b'+-':
            self._sign = mark
            return
        if len(self._groups) > MAX_NESTING:
            raise NestedTooDeeply
        self._groups.append(_Group(mark))

    def _take_comma(self, group: _Group) -> None:
        if self._is_due or not group.is_whole:
            raise self._wrong('invalid syntax')
        group.has_comma = True
        self._is_due = True

    def _take_colon(self, group: _Group) -> None:
        if self._is_due or not group.takes_colon:
            raise self._wrong('invalid syntax')
        group.colons += 1
        self._is_due = True

    def _close(self, group: _Group, mark: bytes) -> None:
        if _CLOSED_BY.get(group.mark) != mark:
            raise self._wrong(f"unmatched '{mark.decode()}'")
        if not group.is_whole or (self._is_due and group.items and not group.has_comma):
            raise self._wrong('invalid syntax')
        self._groups.pop()
        self._is_due = True
        self._other_keys += sum(not isinstance(key, (str, bytes)) for key in group.keys)
        if self._other_keys > MOST_OTHER_KEYS:
            raise NoLiteral(f'its sets, and the keys of its dicts, may hold {MOST_OTHER_KEYS} '
                            'numbers or tuples: send texts or lists')
        self._put(group.value())

    def _put(self, value: Any) -> None:
        if not self._is_due:
            raise self._wrong('invalid syntax')
        self._groups[-1].items.append(value)
        self._is_due = False

    def _number(self, token: bytes) -> Any:
        try:
            value = number_of(token)
        except ValueError as error:
            raise self._wrong(str(error)) from None
        sign, self._sign = self._sign, b''
        return -value if sign == b'-' else value

    def _named(self, name: bytes) -> Any:
        if not self._is_due:
            raise self._wrong('invalid syntax')
        if name not in NAMES or self._sign:
            raise NoLiteral(_HOLDS)
        return NAMES[name]

    def _take_numbers(self) -> bool:
        """Take a run of numbers in a list; whether there was one that JSON's parser can read."""
        group = self._groups[-1]
        if group.mark != b'[' or self._place < self._no_run_before:
            return False
        found = _NUMBERS.match(self._data, self._place)
        if not found:
            return False
        self._no_run_before = found.end()
        run = found[0][:found[0].rfind(b',') + 1]
        try:
            values = [] if has_long_integer(run) else orjson.loads(b'[' + run[:-1] + b']')
        except ValueError:
            return False
        if not values:
            return False
        self._cost_bytes += cost_of_numbers(run, len(values))
        check_cost(self._cost_bytes, self._data)
        group.items += values
        group.has_comma = True
        self._place += len(run)
        self._no_run_before = 0
        return True

    def _take_text(self, opening: bytes) -> None:
        if self._sign or not (self._is_due or self._side_by_side):
            raise self._wrong('invalid syntax')
        prefix = opening.rstrip(b'\'"')
        quote = opening[len(prefix):]
        start = self._place + len(opening)
        end = self._end_of_text(start, quote)
        try:
            value = self._texts.value(prefix.lower(), self._data[start:end], len(quote) == 1)
        except ValueError as error:
            raise self._wrong(str(error)) from None
        self._side_by_side.append(value)
        self._is_due = False
        self._place = end + len(quote)

    def _end_of_text(self, start: int, quote: bytes) -> int:
        end = self._data.find(quote, start)
        while end >= 0:
            if _backslashes_before(self._data, start, end) % 2 == 0:
                return end
            self._step()
            end = self._data.find(quote, end + 1)
        raise self._wrong('a text is not closed')

    def _end_text(self) -> None:
        if not self._side_by_side:
            return
        texts, self._side_by_side = self._side_by_side, []
        kinds = set(map(type, texts))
        if len(kinds) > 1:
            raise self._wrong('cannot mix bytes and nonbytes literals')
        value = texts[0] if len(texts) == 1 else kinds.pop()().join(texts)
        self._is_due = True
        self._put(value)

    def _wrong(self, what: str) -> NoLiteral:
        column = self._place - self._data.rfind(b'\n', 0, self._place)
        hint = '; a text with an apostrophe in it needs double quotes' \
            if self._data.count(b"'") % 2 else ''
        return NoLiteral(f'{what}, column {column}{hint}')


def _backslashes_before(data: bytes, start: int, end: int) -> int:
    """How many there are side by side."""
    first = end
    while first > start:
        window = data[max(start, first - _WINDOW_BYTES):first]
        rest = len(window.rstrip(b'\\'))
        first -= len(window) - rest
        if rest:
            break
    return end - first

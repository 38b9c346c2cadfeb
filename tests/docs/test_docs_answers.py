"""Each kind of answer, as MMS 0.4 gave it and as now: the page names every difference."""

import json
import re
from collections import deque
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

import flask
import mxnet as mx
import numpy as np
import pytest
from doc_pages import read, rows
from markupsafe import Markup
from werkzeug.http import http_date

from mms.worker.codecs.json_answer import to_json

PAGE = 'docs/migrating_from_0.4.md'
ERROR = '500'

ARRAYS = 'NumPy and MXNet in an answer'
KINDS = 'a `Decimal`, a dataclass, an `Enum`, a set or another collection in an answer'
BYTES = 'bytes in an answer'
MIXED = 'keys of several types in one dict of an answer'
KEYS = 'a key of an answer that is no text, number or None'


class Of04(json.JSONEncoder):
    """MMS 0.4 answered by the jsonify of Flask 1.0, which wrote these by its documentation."""

    def default(self, value):
        if isinstance(value, datetime):
            return http_date(value.utctimetuple())
        if isinstance(value, date):
            return http_date(value.timetuple())
        if isinstance(value, UUID):
            return str(value)
        if hasattr(value, '__html__'):
            return str(value.__html__())
        return super().default(value)


def answer_of_04(value):
    """On Python 3."""
    try:
        return json.dumps(value, cls=Of04, sort_keys=True, separators=(',', ':'))
    except (TypeError, ValueError):
        return ERROR


def answer(value):
    try:
        return to_json(value).decode()
    except (TypeError, ValueError):
        return ERROR


class Animal(Enum):
    CAT = 'cat'


class Number(IntEnum):
    ONE = 1


class Pair(NamedTuple):
    left: int
    right: int


@dataclass
class Found:
    label: str


class Bold:
    def __html__(self):
        return '<b>'


SAME = [
    None, True, 3, 2**70, -0.5, 1e-9, float('nan'), float('-inf'), '', 'é你\x00"', '\ud800',
    [], (), (1, (2,)), Pair(1, 2), {}, {'b': 1, 'a': [None]}, {10: 1, 9: 2}, {1.5: 1, 1: 2},
    {None: 1}, {True: 1, False: 2}, Number.ONE, {Number.ONE: 1}, np.float64(0.5), np.str_('a'),
    Markup('<i>'), Bold(), UUID(int=5),
    datetime(2018, 5, 24, 10), datetime(2018, 5, 24, 10, 0, 0, 999999),
    datetime(2018, 5, 24, 1, tzinfo=timezone(timedelta(hours=2))), date(2018, 5, 24),
    [{'at': [datetime(2018, 5, 24)], 'id': (UUID(int=7),)}],
]
REFUSED = [
    object(), 1j, {(1, 2): 3}, timedelta(1), len, b'\xff', iter([]), Found, {Found: 1},
]
# Value, the word for it in the row, the row.
DIFFERENT = [
    (np.float32(0.5), 'scalars', ARRAYS),
    (np.int64(3), 'scalars', ARRAYS),
    (np.bool_(True), 'scalars', ARRAYS),
    (np.array([[1, 2]]), 'arrays', ARRAYS),
    (mx.nd.array([1]), 'NDArrays', ARRAYS),
    (Decimal('1.50'), '`Decimal` is text', KINDS),
    (Found('a'), 'dataclass an object', KINDS),
    (Animal.CAT, '`Enum` its value', KINDS),
    ({2, 1}, '`set`', KINDS),
    (frozenset({2, 1}), '`frozenset`', KINDS),
    (deque([1]), '`deque`', KINDS),
    (range(2), '`range`', KINDS),
    ({'a': 1}.values(), 'views', KINDS),
    (MappingProxyType({'a': 1}), 'mapping is an object', KINDS),
    ('你'.encode(), '`bytes`', BYTES),
    (bytearray(b'a'), '`bytearray`', BYTES),
    (memoryview(b'a'), '`memoryview`', BYTES),
    ({'b': 1, 2: 2, None: 3}, 'sorted', MIXED),
    ({UUID(int=5): 1}, '`UUID`', KEYS),
    ({date(2018, 5, 24): 1}, 'date', KEYS),
    ({Decimal(1): 1}, '`Decimal`', KEYS),
    ({Animal.CAT: 1}, '`Enum`', KEYS),
    ({np.int64(1): 1}, 'NumPy', KEYS),
    ({b'a': 1}, 'bytes', KEYS),
]


def row(first):
    found = [cells for cells in rows(read(PAGE)) if cells[0] == first]
    assert len(found) == 1, f'{PAGE} has {len(found)} rows for {first}'
    return found[0]


def without_address(value):
    """Its repr, which is the same in each process that collects the tests."""
    return re.sub(r' at 0x\w+', '', repr(value))


@pytest.mark.parametrize('value', [*SAME, *REFUSED], ids=without_address)
def test_what_the_page_does_not_name_is_answered_as_by_mms_04(value):
    assert answer(value) == answer_of_04(value)


@pytest.mark.parametrize(('value', 'word', 'first'), DIFFERENT, ids=without_address)
def test_what_is_answered_otherwise_has_a_row_that_says_so(value, word, first):
    assert answer_of_04(value) == ERROR
    assert answer(value) != ERROR
    _, before, now, _ = row(first)
    assert ERROR in before
    assert word in now


def test_where_python_2_had_an_answer_it_is_the_same():
    # By its json module: a str that is UTF-8 is text, and types have an order.
    assert answer('你'.encode()) == answer_of_04('你')
    assert answer({'b': 1, 2: 2, None: 3, 'a': 4}) == '{"null":3,"2":2,"a":4,"b":1}'


@pytest.mark.parametrize('value', SAME, ids=without_address)
def test_flask_writes_today_what_it_wrote_for_mms_04(value):
    app = flask.Flask(__name__)
    app.json.compact = True
    with app.app_context():
        assert flask.jsonify(value).get_data(as_text=True) == answer_of_04(value) + '\n'

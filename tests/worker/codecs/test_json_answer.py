import json
import math
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from uuid import UUID

import numpy as np
import pytest

from mms.worker.codecs.json_answer import to_json

pytestmark = pytest.mark.core


@pytest.mark.parametrize(('value', 'text'), [
    (None, b'null'),
    ('é', b'"\\u00e9"'),
    ((1, (2,)), b'[1,[2]]'),
    ([{'probability': 0.5, 'class': 'a'}], b'[{"class":"a","probability":0.5}]'),
    (float('nan'), b'NaN'),
    (np.float32(0.5), b'0.5'),
    ([np.int64(3), np.bool_(True)], b'[3,true]'),
    (np.array([[1, 2]]), b'[[1,2]]'),
    ({1: 'a', 'b': 2}, b'{"1":"a","b":2}'),
    ({np.int64(1): np.float32(2)}, b'{"1":2.0}'),
])
def test_a_prediction_is_written_as_mms_04_wrote_it(value, text):
    assert to_json(value) == text


def test_a_numpy_nan_survives():
    assert math.isnan(json.loads(to_json(np.array([np.nan])))[0])


class Animal(Enum):
    CAT = 'cat'
    DOG = UUID(int=5)


class Number(IntEnum):
    ONE = 1


@dataclass
class Found:
    label: str
    box: object


class Bold:
    def __html__(self):
        return '<b>'


@pytest.mark.parametrize(('value', 'text'), [
    (UUID(int=5), '"00000000-0000-0000-0000-000000000005"'),
    (datetime(2018, 5, 24, 10), '"Thu, 24 May 2018 10:00:00 GMT"'),
    (datetime(2018, 5, 24, 1, tzinfo=timezone(timedelta(hours=2))),
     '"Wed, 23 May 2018 23:00:00 GMT"'),
    (date(2018, 5, 24), '"Thu, 24 May 2018 00:00:00 GMT"'),
    (np.datetime64('2018-05-24T10', 'ns'), '"Thu, 24 May 2018 10:00:00 GMT"'),
    (np.array(['2018-05-24'], 'datetime64[ns]'), '["Thu, 24 May 2018 00:00:00 GMT"]'),
    (Decimal('1.50'), '"1.50"'),
    (Bold(), '"<b>"'),
    (Animal.CAT, '"cat"'),
    (Animal.DOG, '"00000000-0000-0000-0000-000000000005"'),
    (Number.ONE, '1'),
    (Found('a', (1, {2})), '{"box":[1,[2]],"label":"a"}'),
    ({10, 9, 1}, '[1,9,10]'),
    (frozenset({Animal.CAT, 'bird'}), '["bird","cat"]'),
    (deque([1, Found('a', None)]), '[1,{"box":null,"label":"a"}]'),
    ([range(2), {'a': 1}.keys(), {'a': 2}.values(), {'a': 3}.items()],
     '[[0,1],["a"],[2],[["a",3]]]'),
    (MappingProxyType({'b': 1, 'a': 2}), '{"a":2,"b":1}'),
    ('你好'.encode(), '"\\u4f60\\u597d"'),
    ([bytearray(b'a'), memoryview(b'b'), np.bytes_(b'c')], '["a","b","c"]'),
])
def test_what_json_lacks_becomes_what_a_reader_expects_at_any_depth(value, text):
    assert to_json(value).decode() == text
    assert to_json({'deep': [(value,)]}).decode() == f'{{"deep":[[{text}]]}}'
    # A dict that cannot be sorted takes another way.
    assert to_json({'deep': {1: value, 'b': 0}}).decode() == f'{{"deep":{{"1":{text},"b":0}}}}'


@pytest.mark.parametrize(('value', 'text'), [
    ({10: 'b', 9: 'a'}, '{"9":"a","10":"b"}'),
    ({'b': 1, 2.5: 2, None: 3, True: 4, 'a': 5}, '{"null":3,"true":4,"2.5":2,"a":5,"b":1}'),
    ({Animal.DOG: 1, Animal.CAT: 2}, '{"00000000-0000-0000-0000-000000000005":1,"cat":2}'),
    ({date(2018, 5, 24): 1, Decimal('0.5'): 2, b'k': 3},
     '{"0.5":2,"Thu, 24 May 2018 00:00:00 GMT":1,"k":3}'),
    ({np.int64(10): 1, np.int64(9): 2}, '{"9":2,"10":1}'),
])
def test_keys_are_written_as_values_and_sorted_by_what_they_are(value, text):
    assert to_json(value).decode() == text


def test_a_set_is_written_in_the_same_order_in_every_process():
    script = ('from mms.worker.codecs.json_answer import to_json\n'
              'print(to_json([{"b", "a", "c"}, {"x", 1, None}]).decode())')
    printed = {subprocess.run([sys.executable, '-c', script], capture_output=True, check=True,
                              env={'PYTHONHASHSEED': seed}).stdout for seed in '123'}
    assert printed == {b'[["a","b","c"],[null,1,"x"]]\n'}


@pytest.mark.parametrize(('value', 'message'), [
    ({'a': [b'\xff']}, "bytes that are no UTF-8 text: return them as "
                       "base64.b64encode(...).decode('ascii') (in prediction['a'][0])"),
    ([0, {'x': object()}], "cannot hold object: JSON has no such value; return text, numbers, "
                           "lists and dicts (in prediction[1]['x'])"),
    (1j, 'cannot hold complex'),
    (np.clongdouble(1), 'cannot hold complex'),
    (Found, 'cannot hold type'),
    ([{(1, 2): 3}], 'a key of a prediction cannot be a tuple: give text or a number '
                    '(in prediction[0])'),
    ({Animal: 1}, 'cannot hold EnumMeta' if sys.version_info < (3, 11) else 'cannot hold EnumType'),
])
def test_what_json_cannot_hold_is_a_type_error_that_says_what_and_where(value, message):
    with pytest.raises(TypeError) as caught:
        to_json(value)
    assert message in str(caught.value)


@pytest.mark.parametrize('keys', [('a',), (1, 'a')])
def test_what_holds_itself_is_a_value_error(keys):
    loop = [dict.fromkeys(keys, 0)]
    loop[0]['a'] = loop
    with pytest.raises(ValueError, match='itself|Circular'):
        to_json(loop)


@pytest.mark.parametrize('innermost', [1, {1: 2, 'a': 3}])
def test_an_answer_that_is_nested_too_deeply_is_said_to_be_so(innermost):
    answer = innermost
    for _ in range(100_000):
        answer = [answer]
    with pytest.raises(ValueError, match='the service is nested too deeply for JSON') as it:
        to_json(answer)
    assert it.value.__suppress_context__
    # Python frees it level by level.
    while isinstance(answer, list):
        answer = answer.pop()

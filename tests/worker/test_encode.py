import json
import math

import numpy as np
import pytest

from mms.worker.encode import to_json

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


@pytest.mark.parametrize('value', [b'bytes', {1, 2}, object(), {'a': [b'']}, {(1, 2): 3}])
def test_what_json_cannot_hold_is_a_type_error(value):
    with pytest.raises(TypeError):
        to_json(value)


def test_a_list_that_holds_itself_is_a_value_error():
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError):  # noqa: PT011
        to_json(loop)

"""Tensors of each type, as JSON and as they lie in memory."""

import json

import numpy as np
import pytest

from mms.archive.signature import DATATYPES
from mms.errors import BadRequest
from mms.worker.codecs.inference_v2.binary import from_binary, to_binary
from mms.worker.codecs.inference_v2.json_data import from_json, to_json_text
from mms.worker.codecs.inference_v2.tensor import BF16, BYTES, NAMES, NUMBERS, narrowed, widened

WHOLE = {'UINT8': 255, 'UINT16': 2**16 - 1, 'UINT32': 2**32 - 1, 'UINT64': 2**64 - 1,
         'INT8': -2**7, 'INT16': -2**15, 'INT32': -2**31, 'INT64': -2**63}


def refusal(read, *arguments):
    with pytest.raises(BadRequest) as caught:
        read(*arguments)
    return str(caught.value)


def test_every_type_of_a_signature_is_known():
    assert set(DATATYPES) == {*NUMBERS, BYTES} == {*NAMES.values(), BF16, BYTES}


@pytest.mark.parametrize('datatype', NUMBERS)
def test_a_tensor_is_the_same_either_way(datatype):
    values = from_json('x', datatype, [2, 1], [[0], [1]])
    again = from_binary('x', datatype, [2, 1], memoryview(to_binary(datatype, values)))
    assert again.tolist() == values.tolist() == [[0], [1]]
    assert json.loads(to_json_text(datatype, again)) == [0, 1]


@pytest.mark.parametrize(('datatype', 'value'), WHOLE.items(), ids=WHOLE)
def test_the_outermost_numbers_of_a_type_are_taken_and_none_beyond(datatype, value):
    assert from_json('x', datatype, [1], [value]).tolist() == [value]
    beyond = value + (1 if value > 0 else -1)
    assert 'must hold whole numbers from' in refusal(from_json, 'x', datatype, [1], [beyond])


@pytest.mark.parametrize('data', [[1, 2, 3, 4], [[1, 2], [3, 4]], [[[1], [2]], [[3], [4]]]])
def test_data_is_flat_or_nested(data):
    assert from_json('x', 'FP32', [2, 2], data).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(('datatype', 'data', 'reason'), [
    ('FP32', [1], 'has 1 elements; the shape [2] has 2'),
    ('FP32', [[1], [2, 3]], 'must be numbers of FP32 in lists'),
    ('FP32', ['1', '2'], 'must be numbers of FP32 in lists'),
    ('FP32', [None, 1], 'must be numbers of FP32 in lists'),
    ('FP32', [{}, 1], 'must be numbers of FP32 in lists'),
    ('FP32', 3, 'must be a list, not 3'),
    ('FP32', [1e39, 1], 'holds a number that is beyond FP32'),
    ('FP16', [70000, 1], 'holds a number that is beyond FP16'),
    ('BF16', [3.4e38, 3.4e39], 'holds a number that is beyond BF16'),
    ('FP64', [10**400, 1], 'beyond FP64'),
    ('INT32', [1.5, 1], 'must hold whole numbers'),
    ('BOOL', [2, 1], 'must hold true and false'),
    ('BYTES', [1, 'x'], 'is of BYTES, and holds 1, which is no text'),
    ('BYTES', ['x'], 'has 1 elements; the shape [2] has 2'),
])
def test_data_that_is_not_what_it_says_is_refused(datatype, data, reason):
    assert reason in refusal(from_json, 'x', datatype, [2], data)


def test_large_whole_numbers_lose_no_digit():
    assert from_json('x', 'INT64', [2], [2**62 + 1, -1]).tolist() == [2**62 + 1, -1]
    assert from_json('x', 'UINT64', [2], [2**63 + 1, 1.0]).tolist() == [2**63 + 1, 1]


@pytest.mark.parametrize(('datatype', 'size', 'reason'), [
    ('FP32', 7, 'FP32 of the shape [2] has 8'), ('INT8', 3, 'INT8 of the shape [2] has 2'),
    ('BYTES', 3, 'ends within an element'), ('BYTES', 4, 'has not the 2 elements'),
    ('BYTES', 12, 'has not the 2 elements'), ('BYTES', 0, 'has not the 2 elements')])
def test_bytes_that_are_too_few_or_too_many_are_refused(datatype, size, reason):
    assert reason in refusal(from_binary, 'x', datatype, [2], memoryview(bytes(size)))


def test_an_element_that_is_longer_than_what_is_there_is_refused():
    data = memoryview(b'\xff\xff\xff\xff' + b'x' * 10)
    assert 'ends within an element' in refusal(from_binary, 'x', 'BYTES', [1], data)


def test_elements_of_bytes_have_their_length_before_them():
    data = to_binary(BYTES, ['größe', b'\xff', ''])
    assert data == b'\x07\0\0\0gr\xc3\xb6\xc3\x9fe' + b'\x01\0\0\0\xff' + bytes(4)
    assert from_binary('x', BYTES, [3], memoryview(data)) == ['größe'.encode(), b'\xff', b'']


def test_any_byte_but_zero_is_true():
    assert from_binary('x', 'BOOL', [3], memoryview(b'\0\1\2')).tolist() == [False, True, True]


def test_bf16_is_rounded_to_the_nearer_and_halves_to_the_even():
    values = np.array([1, 1 + 2**-8, 1 + 3 * 2**-8, -np.inf, np.nan, 3.3895e38], np.float32)
    again = widened(narrowed(values)).tolist()
    assert again[:4] == [1, 1, 1 + 2**-6, -np.inf]
    assert np.isnan(again[4])
    assert again[5] == pytest.approx(3.3895e38, rel=1e-3)


def test_json_has_the_shortest_digits_that_say_the_number():
    assert to_json_text('FP32', np.array([0.1, 1.0], np.float32)) == b'[0.1,1.0]'
    assert to_json_text('FP32', np.array([np.nan, np.inf])) == b'[NaN,Infinity]'

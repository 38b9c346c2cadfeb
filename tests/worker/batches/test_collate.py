"""Joining the arrays of several requests on axis 0, and taking outputs apart."""

import collections
import subprocess
import sys

import mxnet as mx
import numpy as np
import pytest

from mms.worker.batches.collate import NotJoinable, join, padded_rows, split

pytestmark = pytest.mark.core

Pair = collections.namedtuple('Pair', 'left right')
KINDS = [mx.nd.array, mx.np.array, np.array]


def test_it_imports_no_mxnet():
    code = 'import sys\nfrom mms.worker.batches import collate, joint, trial\n' \
           'assert "mxnet" not in sys.modules'
    subprocess.run([sys.executable, '-W', 'ignore', '-c', code], check=True, timeout=120)


def plain(value):
    return value if isinstance(value, np.ndarray) else value.asnumpy()


@pytest.mark.parametrize('kind', KINDS, ids=['nd', 'np', 'numpy'])
@pytest.mark.parametrize('wrap', [
    lambda array: array, lambda array: [array], lambda array: (array, array),
    lambda array: Pair(array, array), lambda array: {'a': array, 'b': [array]},
    lambda array: [[array], (array,)],
], ids=['alone', 'list', 'tuple', 'namedtuple', 'dict', 'nested'])
def test_what_is_joined_comes_apart_again(kind, wrap):
    values = [wrap(kind([[1., 2.]])), wrap(kind([[3., 4.], [5., 6.]])), wrap(kind([[7., 8.]]))]
    joined = join(values)
    assert joined.rows == [1, 2, 1]
    assert type(joined.value) is type(values[0])
    parts = split(joined.value, joined.rows)
    for value, part in zip(values, parts):
        assert type(part) is type(value)
        for one, other in zip(leaves(value), leaves(part)):
            assert type(one) is type(other)
            assert np.array_equal(plain(one), plain(other))


def leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


@pytest.mark.parametrize('dtype', ['float32', 'float16', 'float64', 'uint8', 'int8', 'int32',
                                   'int64'])
def test_the_dtype_stays(dtype):
    joined = join([mx.nd.array([[1]], dtype=dtype), mx.nd.array([[2]], dtype=dtype)])
    assert joined.value.dtype == np.dtype(dtype)
    assert joined.value.asnumpy().tolist() == [[1], [2]]


def test_the_batch_sizes_in_use_are_few_and_waste_little():
    sizes = [padded_rows([rows]) for rows in range(1, 65)]
    assert sorted(set(sizes)) == [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32,
                                  40, 48, 56, 64]
    assert all(rows <= size < rows * 1.25 for rows, size in enumerate(sizes, 1))
    assert [padded_rows([rows]) for rows in (65, 128, 129, 1000)] == [128, 128, 256, 1024]


@pytest.mark.parametrize('kind', KINDS, ids=['nd', 'np', 'numpy'])
def test_padding_repeats_the_last_row_and_is_dropped(kind):
    joined = join([kind([[float(number)]]) for number in range(9)])
    assert plain(joined.value).ravel().tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 8]
    assert [plain(part).tolist() for part in split(joined.value, joined.rows)] == [
        [[number]] for number in range(9)]


ONE = mx.nd.ones((1, 2))


@pytest.mark.parametrize(('values', 'reason'), [
    ([ONE, mx.nd.ones((1, 3))], 'the shapes of its inputs differ'),
    ([ONE, mx.nd.ones((1, 2, 1))], 'the shapes of its inputs differ'),
    ([ONE, mx.nd.ones((1, 2), dtype='float16')], 'the types of its inputs differ'),
    ([ONE, np.ones((1, 2), np.float32)], 'the types of its inputs differ'),
    ([ONE, mx.np.ones((1, 2))], 'the types of its inputs differ'),
    ([ONE, mx.nd.ones((1, 2), ctx=mx.cpu(1))], 'the types of its inputs differ'),
    ([[ONE], [ONE, ONE]], 'the structure of its inputs differs'),
    ([[ONE], (ONE,)], 'the structure of its inputs differs'),
    ([{'a': ONE}, {'b': ONE}], 'the structure of its inputs differs'),
    (['text', 'text'], 'its _preprocess returns str'),
    ([[ONE, 3], [ONE, 3]], 'its _preprocess returns int among others'),
    ([[[1.0, 2.0]]], 'its _preprocess returns float among others'),
    ([None], 'its _preprocess returns NoneType'),
    ([[]], 'its _preprocess returns an empty list'),
    ([np.array(['x'])], 'its _preprocess returns an array of <U1'),
    ([mx.nd.ones((2, 2)).tostype('csr')], 'its _preprocess returns CSRNDArray'),
    ([[ONE, mx.nd.ones((2, 2))]], 'its inputs have different numbers of rows'),
    ([np.array(1.0)], 'one of its inputs is a single number'),
    ([np.ones((0, 2))], 'one of its inputs is empty'),
])
def test_what_cannot_be_joined_says_why(values, reason):
    with pytest.raises(NotJoinable, match=f'^{reason}$'):
        join(values)


@pytest.mark.parametrize(('output', 'reason'), [
    (mx.nd.ones((1, 5)), r'shape \(1, 5\) for 4 rows'),
    ([mx.nd.ones((4, 5)), mx.nd.ones(5)], r'shape \(5,\) for 4 rows'),
    (np.array(3.5), r'shape \(\) for 4 rows'), (3.5, 'it is float'), ('text', 'it is str'),
    ([], 'it is an empty list'), ({'n': 4}, 'it is int among others'), (None, 'it is NoneType'),
])
def test_an_output_that_does_not_follow_the_batch_axis_says_so(output, reason):
    with pytest.raises(NotJoinable, match=f'^its output does not follow the batch axis: {reason}$'):
        split(output, [1, 2, 1])


def test_outputs_of_a_convolution_are_cut_right():
    """OneDNN keeps them in a layout of its own."""
    net = mx.gluon.nn.Conv2D(16, 3, in_channels=3)
    net.initialize()
    output = net(mx.nd.random.uniform(shape=(4, 3, 9, 9)))
    parts = split(output, [1, 2, 1])
    assert np.array_equal(np.concatenate([part.asnumpy() for part in parts]), output.asnumpy())

"""Made-up inputs."""

import io

import pytest
from PIL import Image

from mms.archive.sample import sample_inputs


def signature(*shapes, input_type='application/json'):
    return {'input_type': input_type, 'inputs': [
        {'data_name': f'input{index}', 'data_shape': shape} for index, shape in enumerate(shapes)]}


@pytest.mark.parametrize(('shapes', 'sample'), [
    ([[1, 2]], [[[0, 0]]]), ([[0, 0], [0]], [[[0]], [0]]), ([[2000, 1000]], None), ([[]], None),
])
def test_tensors_are_lists_of_zeros(shapes, sample):
    assert sample_inputs(signature(*shapes)) == sample


def test_a_length_that_is_left_open_may_be_known():
    lengths = {'input0': [1, 3], 'input1': [7, 7, 7]}
    assert sample_inputs(signature([1, 0], [0, 1]), lengths) == [[[0, 0, 0]], [[0]]]


@pytest.mark.parametrize(('lengths', 'size'), [
    ({}, (224, 10)), ({'input0': (1, 3, 10, 32)}, (32, 10)), ({'input0': (1, 3)}, (224, 10)),
])
def test_pictures_are_as_large_as_the_signature_says(lengths, size):
    [data] = sample_inputs(signature([0, 3, 10, 0], input_type='image/jpeg'), lengths)
    assert Image.open(io.BytesIO(data)).size == size


def test_pictures_and_tensors_stand_side_by_side():
    both = signature([0, 3, 4, 4], [0, 2], input_type='image/jpeg')
    both['inputs'][1]['input_type'] = 'application/json'
    picture, row = sample_inputs(both)
    assert (Image.open(io.BytesIO(picture)).size, row) == ((4, 4), [[0, 0]])


@pytest.mark.parametrize('shape', [
    [2**63 - 1] * 32, [1000, 1000] + [1] * 30, [1, 3, 10**5, 10**5], [0, 10**6 + 1]])
@pytest.mark.parametrize('kind', ['image/jpeg', 'application/json'])
def test_what_would_be_huge_is_not_made_up(shape, kind):
    entry = {'data_name': 'data', 'data_shape': shape}
    made = sample_inputs({'inputs': [entry], 'outputs': [], 'input_type': kind,
                          'output_type': 'application/json'})
    # Only the last two of four lengths are of a picture.
    assert made is None or (kind == 'image/jpeg' and len(shape) != 4)


def test_many_inputs_that_would_be_huge_together_are_not_made_up():
    entries = [{'data_name': f'x{n}', 'data_shape': [1000, 1000]} for n in range(2)]
    signature = {'outputs': [], 'input_type': 'application/json',
                 'output_type': 'application/json'}
    assert sample_inputs({**signature, 'inputs': entries[:1]}) is not None
    assert sample_inputs({**signature, 'inputs': entries}) is None

"""Samples that a signature gives are what a model is warmed up with."""

from mms.archive.sample import sample_inputs

TEXT = {'data_name': 'text', 'data_shape': [0, 9], 'sample': [{'review': 'good'}]}
NUMBERS = {'data_name': 'numbers', 'data_shape': [0, 2]}


def signature(*inputs):
    return {'inputs': list(inputs), 'input_type': 'application/json'}


def test_a_sample_takes_the_place_of_zeros_whatever_the_shape():
    huge = {**TEXT, 'data_shape': [9999, 9999]}
    assert sample_inputs(signature(huge)) == [[{'review': 'good'}]]


def test_inputs_without_a_sample_beside_it_are_made_up():
    assert sample_inputs(signature(NUMBERS, TEXT)) == [[[0, 0]], TEXT['sample']]


def test_what_a_hook_does_to_a_sample_stays_out_of_the_signature():
    [made] = sample_inputs(signature(TEXT))
    made[0].clear()
    assert sample_inputs(signature(TEXT)) == [[{'review': 'good'}]]

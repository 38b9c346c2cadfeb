"""Requests that differ from a sample."""

import io

import numpy as np
from PIL import Image

from mms.worker.sample import sample_inputs
from mms.worker.variants import variants


def signature(*entries, kind='application/json'):
    return {'input_type': kind, 'inputs': [
        {'data_name': f'input{place}', **entry} for place, entry in enumerate(entries)]}


def made(*entries, **options):
    described = signature(*entries, **options)
    return variants(described, sample_inputs(described))


def test_tensors_are_zeros_and_ones_two_of_the_same_shape_and_one_of_more_rows():
    few, many, longer = made({'data_shape': [0, 3, 20]}, {'data_shape': [0, 7]})
    assert [np.shape(value) for value in few] == [(1, 3, 20), (1, 7)]
    assert [np.shape(value) for value in many] == [(1, 3, 20), (1, 7)]
    assert [np.shape(value) for value in longer] == [(2, 3, 20), (2, 7)]
    assert set(np.ravel(few[0])) == set(np.ravel(many[0])) == {0, 1}
    assert np.mean(few[0]) < 0.5 < np.mean(many[0])


def test_pictures_are_dark_and_bright_and_one_is_larger():
    dark, bright, larger = [np.asarray(Image.open(io.BytesIO(picture))) for [picture] in made(
        {'data_shape': [0, 3, 30, 20]}, kind='image/jpeg')]
    assert dark.shape == bright.shape == (30, 20, 3)
    assert larger.shape == (40, 30, 3)
    assert dark.mean() * 2 < bright.mean()


def test_samples_are_turned_about_and_keep_their_kind():
    backwards, turned, longer = made({'data_shape': [0], 'sample': [
        {'text': 'a cat', 'ids': [3, 1, 2], 'same': [5, 5], 'on': True, 'none': None}]})
    assert backwards == [[{'text': 'tac a', 'ids': [2, 1, 3], 'same': [6, 6], 'on': True,
                           'none': None}]]
    assert turned == [[{'text': ' cata', 'ids': [1, 2, 3], 'same': [7, 7], 'on': True,
                        'none': None}]]
    assert longer == [[{'text': 'a cat a cat', 'ids': [3, 1, 2], 'same': [5, 5], 'on': True,
                        'none': None}]]


def test_they_are_the_same_each_time():
    assert made({'data_shape': [0, 5]}) == made({'data_shape': [0, 5]})

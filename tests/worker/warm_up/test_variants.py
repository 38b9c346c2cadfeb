"""Requests that differ from a sample."""

import io

import numpy as np
from PIL import Image

from mms.archive.sample import sample_inputs
from mms.worker.warm_up.variants import variants


def signature(*entries, kind='application/json'):
    return {'input_type': kind, 'inputs': [
        {'data_name': f'input{place}', **entry} for place, entry in enumerate(entries)]}


def made(*entries, **options):
    described = signature(*entries, **options)
    return variants(described, sample_inputs(described))


def test_tensors_are_zeros_and_ones_one_of_more_rows_and_other_numbers():
    few, many, longer, *others = made({'data_shape': [0, 3, 20]}, {'data_shape': [0, 7]})
    for request in few, many, *others:
        assert [np.shape(value) for value in request] == [(1, 3, 20), (1, 7)]
    assert [np.shape(value) for value in longer] == [(2, 3, 20), (2, 7)]
    assert set(np.ravel(few[0])) == set(np.ravel(many[0])) == {0, 1}
    assert np.mean(few[0]) < 0.5 < np.mean(many[0])
    for request in others:
        assert np.min(request[0]) < 0
        assert np.max(request[0]) > 10
        assert np.any(np.mod(request[0], 1))
    assert others[0] != others[1]


def test_pictures_are_dark_and_bright_and_one_is_larger():
    dark, bright, larger, *others = [np.asarray(Image.open(io.BytesIO(picture)))
                                     for [picture] in made({'data_shape': [0, 3, 30, 20]},
                                                           kind='image/jpeg')]
    assert {picture.shape for picture in (dark, bright, *others)} == {(30, 20, 3)}
    assert larger.shape == (40, 30, 3)
    assert dark.mean() * 2 < bright.mean()


def test_samples_are_turned_about_and_keep_their_kind():
    given = {'text': 'a cat', 'ids': [3, 1, 2], 'same': [5.0, 5.0], 'on': True, 'none': None}
    backwards, turned, longer, larger, smaller = [
        request[0][0] for request in made({'data_shape': [0], 'sample': [given]})]
    kept = {'on': True, 'none': None}
    assert backwards == {'text': 'tac a', 'ids': [4, 2, 6], 'same': [10.0, 10.0], **kept}
    assert turned == {'text': ' cata', 'ids': [1, 2, 3], 'same': [7.0, 7.0], **kept}
    assert longer == {'text': 'a cat a cat', 'ids': [3, 1, 2], 'same': [5.0, 5.0], **kept}
    assert larger == {'text': 'tac a a cat', 'ids': [9, 3, 6], 'same': [15.0, 15.0], **kept}
    assert smaller == {'text': 'a ', 'ids': [1, 0, 1], 'same': [-2.5, -2.5], **kept}


def test_a_single_number_is_another_in_each_but_the_longer_one():
    few, many, _, *others = made({'data_shape': [0, 1]})
    assert len({request[0][0][0] for request in (few, many, *others)}) == 4
    assert few == [[[1]]]


def test_they_are_the_same_each_time():
    assert made({'data_shape': [0, 5]}) == made({'data_shape': [0, 5]})

import mxnet as mx
import pytest

from mms.utils.mxnet.ndarray import top_probability

pytestmark = pytest.mark.core

LABELS = list('abcdefg')
SCORES = [[.1, .4, .05, .15, .2, .03, .07], [1, 0, 0, 0, 0, 0, 0]]


def names(found):
    return [entry['class'] for entry in found]


def test_the_best_classes_of_the_first_row_come_sorted():
    found = top_probability(mx.nd.array(SCORES), LABELS)
    assert names(found) == ['b', 'e', 'd', 'a', 'g']
    assert [entry['probability'] for entry in found] == pytest.approx([.4, .2, .15, .1, .07])
    assert all(type(entry['probability']) is float for entry in found)


def test_top_says_how_many():
    assert names(top_probability(mx.nd.array(SCORES), LABELS, top=2)) == ['b', 'e']


def test_dimensions_of_length_one_after_the_classes_are_dropped():
    found = top_probability(mx.nd.array(SCORES).reshape((2, 7, 1, 1)), LABELS)
    assert names(found) == ['b', 'e', 'd', 'a', 'g']


def test_a_single_row_will_do():
    assert names(top_probability(mx.nd.array(SCORES[0]), LABELS, 1)) == ['b']


def test_fewer_classes_or_labels_than_asked_give_as_many_as_there_are():
    assert names(top_probability(mx.nd.array([[.2, .8]]), LABELS)) == ['b', 'a']
    assert names(top_probability(mx.nd.array(SCORES), LABELS[:3])) == ['b', 'a', 'c']


def test_equal_scores_keep_the_order_of_the_classes():
    assert names(top_probability(mx.nd.ones((1, 7)), LABELS)) == ['a', 'b', 'c', 'd', 'e']

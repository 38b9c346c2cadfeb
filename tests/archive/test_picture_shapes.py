import pytest

from mms.archive.picture_shapes import check_picture_shapes
from mms.errors import SignatureError

TENSOR = {'data_name': 'row', 'data_shape': [0, 5]}


def signature(shape, kind='image/jpeg'):
    return {'input_type': kind, 'inputs': [
        {**TENSOR, 'input_type': 'application/json'}, {'data_name': 'data', 'data_shape': shape}]}


@pytest.mark.parametrize('shape', [[0, 3, 224, 224], [1, 3, 0, 0], [8, 0, 32, 0]])
def test_a_picture_has_rgb_before_height_and_width(shape):
    check_picture_shapes(signature(shape), 'signature.json')


@pytest.mark.parametrize('shape', [[0, 224, 224, 3], [0, 1, 28, 28], [3, 32, 32], [0, 3], [],
                                   [0, 3, 1, 32, 32], [0, 4, 32, 32]])
def test_a_shape_that_no_picture_has_is_refused_with_the_mend(shape):
    with pytest.raises(SignatureError) as refusal:
        check_picture_shapes(signature(shape), 'here/signature.json')
    assert str(refusal.value) == (
        f"here/signature.json: the data_shape of 'data' is {shape}; a picture arrives as [batch, "
        '3, height, width], like [0, 3, 224, 224]: put it so, or write a _preprocess in a service '
        'file')
    check_picture_shapes(signature(shape, 'application/json'), 'here/signature.json')


def test_channels_may_be_left_to_the_service_but_not_the_dimensions():
    check_picture_shapes(signature([0, 1, 28, 28]), 'signature.json', any_channels=True)
    with pytest.raises(SignatureError):
        check_picture_shapes(signature([3, 32, 32]), 'signature.json', any_channels=True)

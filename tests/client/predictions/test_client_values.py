"""What a person has, as the parts of a form."""

import io
import json
import pathlib

import numpy as np
import pytest
from harness import KITTEN
from PIL import Image

from mms.client import Input, WrongUse
from mms.client.predictions.values import parts_of

PICTURE, TENSOR = Input('data', True, '[3, 8, 8]'), Input('data', False, '[2]')
JPEG = KITTEN.read_bytes()


def part(kind, value):
    [made] = parts_of('m', (kind,), value)
    return made


def text(value):
    return part(TENSOR, value).content.decode()


def refused(kind, value):
    with pytest.raises(WrongUse) as found:
        part(kind, value)
    return found.value.message


class Array:
    """As MXNet's: NumPy knows nothing of it."""

    def asnumpy(self):
        return np.float32([[0.1, 2]])


class OnAnotherDevice:
    """As PyTorch's on a GPU."""

    def __array__(self, dtype=None, copy=None):
        raise TypeError('it is on cuda:0')


@pytest.mark.parametrize('given', [
    lambda: str(KITTEN), lambda: KITTEN, lambda: JPEG, lambda: bytearray(JPEG),
    lambda: memoryview(JPEG), lambda: io.BytesIO(JPEG), lambda: {'data': KITTEN},
], ids=['text', 'path', 'bytes', 'bytearray', 'memoryview', 'file', 'dict'])
def test_the_file_of_a_picture_is_sent_as_it_is(given):
    made = part(PICTURE, given())
    assert (made.name, made.content, made.content_type) == ('data', JPEG, 'image/jpeg')


def test_a_file_has_its_name_and_another_picture_is_called_one():
    assert part(PICTURE, KITTEN).filename == 'kitten.jpg'
    with open(KITTEN, 'rb') as file:
        assert part(PICTURE, file).filename == 'kitten.jpg'
    assert part(PICTURE, JPEG).filename == part(PICTURE, io.BytesIO(JPEG)).filename == 'picture'


@pytest.mark.parametrize(('start', 'kind'), [
    (b'\x89PNG\r\n\x1a\n', 'image/png'), (b'BM', 'image/bmp'),
    (b'what', 'application/octet-stream'), (b'', 'application/octet-stream')])
def test_the_type_of_a_picture_is_what_its_bytes_say(start, kind):
    assert part(PICTURE, start).content_type == kind


PIXELS = np.arange(4 * 5 * 3, dtype='uint8').reshape(4, 5, 3)


def decoded(made):
    assert made.content_type == 'image/png'
    return np.asarray(Image.open(io.BytesIO(made.content)))


@pytest.mark.parametrize(('given', 'pixels'), [
    (PIXELS, PIXELS), (PIXELS[:, :, 0], PIXELS[:, :, 0]), (PIXELS[:, :, :1], PIXELS[:, :, 0]),
    (PIXELS[::-1], PIXELS[::-1]), (Image.fromarray(PIXELS), PIXELS),
    (Image.fromarray(np.dstack([PIXELS, PIXELS[:, :, 0]])), PIXELS),
    (np.dstack([PIXELS, PIXELS[:, :, 0]]), PIXELS),
], ids=['colour', 'grey', 'one channel', 'backwards', 'pillow', 'pillow with alpha', 'alpha'])
def test_pixels_arrive_as_they_are(given, pixels):
    assert np.array_equal(decoded(part(PICTURE, given)), pixels)


@pytest.mark.parametrize('mode', ['1', 'L', 'LA', 'P', 'CMYK', 'YCbCr', 'I', 'F', 'HSV'])
def test_a_picture_of_pillow_may_have_any_mode(mode):
    assert decoded(part(PICTURE, Image.new('RGB', (3, 2)).convert(mode))).shape[:2] == (2, 3)


@pytest.mark.parametrize(('given', 'said'), [
    (np.zeros((3, 8, 8), 'f'), 'float32: pixels are uint8'),
    (np.zeros((3, 8, 8), 'uint8'), 'shape (3, 8, 8): a picture is height x width'),
    (np.zeros((2, 8, 8, 3), 'uint8'), 'predict_many'),
    (np.zeros((0, 8, 3), 'uint8'), '(0, 8, 3)'),
    (7, 'int is none: give a path, bytes, an open file, a picture of Pillow or an array'),
    (None, 'NoneType is none'), (['a.jpg', 'b.jpg'], 'several go to predict_many'),
    ('none.jpg', "'none.jpg' cannot be read: No such file or directory"),
    ('no\0ne.jpg', 'cannot be read: embedded null byte'),
    (pathlib.Path('/'), "'/' cannot be read: Is a directory"),
    (OnAnotherDevice(), 'it is on cuda:0'),
    ({'picture': KITTEN}, 'there is no value for data and there is no input picture: model m '
                          'takes data'),
    ({}, 'there is no value for data'),
])
def test_what_is_no_picture_is_told_before_it_is_sent(given, said):
    assert said in refused(PICTURE, given)


def test_a_picture_of_pillow_whose_file_is_broken_is_told():
    assert 'cannot be written as PNG' in refused(PICTURE, Image.open(io.BytesIO(JPEG[:2000])))


def test_a_file_that_is_opened_as_text_cannot_be_a_picture(tmp_path):
    class Numbers:
        def read(self):
            return 5

    assert 'reads int, not bytes' in refused(PICTURE, Numbers())


@pytest.mark.parametrize(('given', 'sent'), [
    ([[1, 2.5]], '[[1, 2.5]]'), ((1, 2), '[1, 2]'), ('[[1, 2]]', '[[1, 2]]'),
    (" [{'title': 'x'}]", " [{'title': 'x'}]"), ('(1, 2)', '(1, 2)'), (b'[[3]]', '[[3]]'),
    ([{'title': 'ä'}], '[{"title": "\\u00e4"}]'), (io.StringIO('[4]'), '[4]'),
    ([np.float32(0.5), np.int64(3), np.arange(2)], '[0.5, 3, [0, 1]]'),
    ([float('nan')], '[NaN]'), (np.array([np.nan, 1]), '[NaN, 1.0]'),
    (np.array(['a', 'b']), '["a", "b"]'),
])
def test_lists_and_texts_are_sent_as_json(given, sent):
    assert text(given) == sent


@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64', 'int8', 'uint8', 'int64',
                                   'uint64', 'bool'])
def test_an_array_comes_back_to_the_last_bit(dtype):
    array = (np.random.RandomState(1).normal(size=(3, 4)) * 100).astype(dtype)
    for given in (array, array.T, array[:, ::2], array.astype(array.dtype.newbyteorder())):
        made = part(TENSOR, given)
        assert np.array_equal(np.array(json.loads(made.content), dtype=dtype), given)
        assert (made.filename, made.content_type) == (None, None)


def test_a_float32_has_the_digits_of_one():
    assert text(np.float32([0.1])) == '[0.1]'
    assert text(Array()) == '[[0.1,2.0]]'
    assert text([Array()]) == '[[[0.10000000149011612, 2.0]]]'


def test_a_path_is_a_file_of_json_or_an_array(tmp_path):
    (tmp_path / 'x.json').write_text('[[1, 2]]')
    np.save(tmp_path / 'x.npy', np.arange(3))
    assert text(tmp_path / 'x.json') == text(str(tmp_path / 'x.json')) == '[[1, 2]]'
    assert text(tmp_path / 'x.npy') == '[0,1,2]'


def test_a_file_of_an_array_runs_no_code(tmp_path):
    np.save(tmp_path / 'x.npy', np.array([{}]), allow_pickle=True)
    assert 'cannot be read' in refused(TENSOR, tmp_path / 'x.npy')


@pytest.mark.parametrize(('given', 'said'), [
    ([object()], 'data cannot be written as JSON: object is no list, number or text'),
    (np.array([1j]), 'complex'), ('none.json', 'No such file'), ('none.npy', 'No such file'),
])
def test_what_is_no_tensor_is_told_before_it_is_sent(given, said):
    assert said in refused(TENSOR, given)


def test_several_inputs_are_given_by_their_names_in_any_order():
    inputs = (Input('picture', True), Input('factor', False))
    parts = parts_of('m', inputs, {'factor': [2], 'picture': JPEG})
    assert [(made.name, made.content) for made in parts] == [('picture', JPEG), ('factor', b'[2]')]


def test_one_value_for_several_inputs_is_told():
    with pytest.raises(WrongUse, match=r"takes 2 inputs: give a dict, \{'a': ..., 'b': ...\}"):
        parts_of('m', (Input('a', True), Input('b', False)), JPEG)

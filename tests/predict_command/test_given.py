"""What the words of the command line ask about."""

from pathlib import Path

import pytest

from mms.client import Input, WrongUse
from mms.predict_command.given import given

PICTURE, TENSOR = (Input('data', True, '[3, 8, 8]'),), (Input('x', False, '[2]'),)
BOTH = PICTURE + TENSOR


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('a/2.PNG', 'a/1.jpg', 'a/b/3.bmp', 'a/notes.txt', 'a/x.json', 'a/y.npy',
                 'a/.hidden.jpg', 'a/.git/4.jpg', 'empty/notes.txt', 'one.jpg'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'')
    return tmp_path


def refused(inputs, words=(), values=()):
    with pytest.raises(WrongUse) as found:
        given('m', inputs, words, values)
    return found.value.message


def test_files_are_taken_as_they_are_and_in_their_order(folder):
    asked = given('m', PICTURE, ['one.jpg', 'none.jpg', 'a/notes.txt'], [])
    assert asked == [(name, Path(name)) for name in ('one.jpg', 'none.jpg', 'a/notes.txt')]


def test_of_a_folder_the_pictures_are_taken_by_name_and_hidden_ones_are_not(folder):
    assert [one.shown for one in given('m', PICTURE, ['a', 'one.jpg'], [])] == [
        'a/1.jpg', 'a/2.PNG', 'a/b/3.bmp', 'one.jpg']


def test_of_a_folder_a_model_of_a_tensor_takes_tensors(folder):
    assert [one.shown for one in given('m', TENSOR, ['a'], [])] == ['a/x.json', 'a/y.npy']


def test_a_value_is_json_whatever_it_looks_like_or_a_file():
    [asked] = given('m', BOTH, [], [('x', 'one.jpg'), ('data', '@one.jpg')])
    assert asked == ('x, data', {'x': b'one.jpg', 'data': Path('one.jpg')})
    [asked] = given('m', BOTH, [], [('x', '@x.json'), ('data', 'one.jpg')])
    assert asked.value == {'x': Path('x.json'), 'data': Path('one.jpg')}


@pytest.mark.parametrize(('inputs', 'words', 'values', 'said'), [
    (PICTURE, ['one.jpg'], [('data', '@one.jpg')], 'not both'),
    (BOTH, ['one.jpg'], [], 'model m takes 2 inputs: give --input data=... --input x=...'),
    (PICTURE, [], [], 'give a file: model m takes a picture'),
    (TENSOR, [], [], 'a tensor of the shape [2], as JSON or .npy; or --input x=[...]'),
    (BOTH, [], [('x', '[1]')], 'there is no value for data: model m takes data, x'),
    (TENSOR, [], [('x', '[1]'), ('y', '[1]')], 'there is no input y: model m takes x'),
    (PICTURE, ['empty'], [], "the folder 'empty' has no files that end with .jpg, .jpeg, .png"),
    (TENSOR, ['empty'], [], 'with .json, .npy'),
])
def test_what_does_not_go_with_the_model_is_told(folder, inputs, words, values, said):
    assert said in refused(inputs, words, values)

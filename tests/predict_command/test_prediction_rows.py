"""Predictions as a table."""

import pytest

from mms.predict_command.rows import Told, predicted

FLOWERS = [[{'class': 'violet', 'probability': 0.7086}, {'class': 'rose', 'probability': 0.0712}]]


def lines(*predictions, top=None, width=None):
    return predicted([Told(f'{number}.jpg', prediction)
                      for number, prediction in enumerate(predictions)], top, width)


def test_one_picture_has_its_likeliest_classes_below_each_other():
    assert lines(FLOWERS) == ['INPUT  CLASS   PROBABILITY',
                              '0.jpg  violet        70.9%',
                              '       rose           7.1%']


def test_several_pictures_have_a_row_each():
    assert lines(FLOWERS, FLOWERS) == ['INPUT  CLASS   PROBABILITY',
                                       '0.jpg  violet        70.9%',
                                       '1.jpg  violet        70.9%']


def test_so_many_rows_are_shown_as_are_asked_for():
    assert len(lines(FLOWERS, FLOWERS, top=2)) == 5
    assert len(lines([[{'class': str(n), 'probability': 0.1} for n in range(9)]])) == 6


def test_what_else_a_list_of_objects_has_is_a_column():
    boxes = [{'label': 'cat', 'score': 0.91234567, 'box': [1, 2, 3, 4], 'sure': True}]
    assert lines(boxes) == ['INPUT  LABEL   SCORE  BOX           SURE',
                            '0.jpg  cat    0.9123  [1, 2, 3, 4]  true']


@pytest.mark.parametrize(('prediction', 'shown'), [
    (['[[1.0, 2.0]]'], '["[[1.0, 2.0]]"]'), ([[1, 2]], '[[1, 2]]'), (3.14159265, '3.142'),
    ('fine', 'fine'), ({'a': 1}, '{"a": 1}'), ([], '[]'), (None, ''), ([[]], '[[]]'),
    ([[{'input': 1}]], '[[{"input": 1}]]'), ([FLOWERS[0], FLOWERS[0]], None),
])
def test_any_other_prediction_is_shown_as_json(prediction, shown):
    head, row = lines(prediction)
    assert head.split() == ['INPUT', 'PREDICTION']
    assert row.split(None, 1)[0] == '0.jpg'
    assert shown is None or row.partition('0.jpg')[2].strip() == shown


def test_different_predictions_share_a_table():
    assert lines(FLOWERS, ['x']) == ['INPUT  CLASS   PROBABILITY  PREDICTION',
                                     '0.jpg  violet        70.9%',
                                     '1.jpg                       ["x"]']


def test_a_table_is_no_wider_than_the_terminal():
    assert max(map(len, lines([['x' * 500]], width=40))) <= 40


def test_control_characters_of_a_server_are_escaped():
    assert lines([{'class': 'a\x1b[2J'}])[1].endswith('a\\x1b[2J')


def test_nothing_is_no_table():
    assert predicted([], None, None) == []

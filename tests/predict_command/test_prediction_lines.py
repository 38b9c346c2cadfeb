"""The lines of JSON that a script reads."""

import json

import pytest

from mms.predict_command.report import Report


def test_a_line_is_json_for_strict_readers_whatever_a_model_has_answered(capsys):
    answer = json.loads('[NaN, {"scores": [Infinity, -Infinity, 1e999, 0.5]}, "NaN"]')
    report = Report('json', None)
    assert report.add('\x7f.jpg', answer)
    line = capsys.readouterr().out
    assert json.loads(line, parse_constant=pytest.fail) == {
        'input': '\x7f.jpg', 'prediction': [None, {'scores': [None, None, None, 0.5]}, 'NaN']}

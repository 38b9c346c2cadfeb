"""Every operator that converts answers as ONNX's own test data says, or refuses; never wrongly."""

import pytest
from onnx_wheel import answered, cases, operators_of

from mms.from_onnx import operators  # noqa: F401  fills the table
from mms.from_onnx.fold import FOLDED
from mms.from_onnx.table import OPERATORS

# A row of zeros is 0 / 0 in that file; since opset 22 ONNX says 0, as onnxruntime always did.
OTHER_ANSWER = {'test_l2normalization_axis_0'}
# The wheel has nothing of these that is not refused (a GRU with linear_before_reset 1, say);
# test_onnx_against_onnxruntime.py has.
ELSEWHERE = {'ConstantOfShape', 'GRU', 'Range'}


def alone(name):
    return [case for case in cases() if operators_of(case) == {name}]


def verdicts(chosen, folder):
    found = {case.name: answered(case, folder) for case in chosen if case.name not in OTHER_ANSWER}
    assert [name for name, verdict in found.items() if verdict is False] == []
    return found


@pytest.mark.parametrize('name', sorted(OPERATORS))
def test_an_operator_answers_as_its_test_data_says(name, tmp_path):
    found = verdicts(alone(name), str(tmp_path))
    assert any(found.values()) or name in ELSEWHERE, found


@pytest.mark.parametrize('third', range(3))
def test_operators_together_answer_as_their_test_data_says(third, tmp_path):
    together = [case for case in cases() if len(operators_of(case)) > 1][third::3]
    assert any(verdicts(together, str(tmp_path)).values())


def test_an_operator_that_is_not_in_the_table_is_refused(tmp_path):
    known = {*OPERATORS, *FOLDED, 'Shape', 'Size', 'If', 'Constant'}
    unknown = [case for case in cases() if operators_of(case) and not operators_of(case) & known]
    assert len(unknown) > 300
    assert {name for name, verdict in verdicts(unknown, str(tmp_path)).items() if verdict} == set()

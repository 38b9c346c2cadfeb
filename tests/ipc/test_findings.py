import json

import pytest

from mms.ipc.findings import Findings, Fusion, findings_of

FOUND = Findings((1, 2), 16, (Fusion(1, 'net', 'fused (MKLDNN)'), Fusion(2, 'net', 'planned')))


@pytest.mark.parametrize('found', [FOUND, Findings((), 1)])
def test_findings_come_back_from_json(found):
    assert findings_of(json.loads(json.dumps(found))) == found


@pytest.mark.parametrize('value', [
    None, 7, 'abc', {}, [], [[1]], [[1], 16, [], []], [[0], 16, []], [[1], 0, []], [[1], -4, []],
    [[True], 16, []], [[1.5], 16, []], [[1], '16', []], [['1'], 16, []], [[10**6], 16, []],
    [[1] * 2000, 16, []], [[1], 16, [[1, 'net']]], [[1], 16, [[1, 'net', 2]]],
    [[1], 16, [['1', 'net', 'form']]], [[1], 16, [[1, 'n' * 2000, 'form']]], [[1], 16, [1]],
    [1, 16, []], [[1], 16, None],
], ids=str)
def test_what_is_none_is_told(value):
    with pytest.raises(ValueError, match='no findings'):
        findings_of(value)

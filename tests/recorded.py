"""What MMS 0.4 answered for the archives that it wrote."""

import json

import pytest
from harness import FIXTURES

CASES = json.loads((FIXTURES / 'expected.json').read_text())['cases']


def multipart(case):
    fields = []
    for part in case['parts']:
        content = (FIXTURES / part['file']).read_bytes() if 'file' in part else part['text']
        fields.append((part['name'], (part.get('filename'), content, part.get('type'))))
    return {'files': fields}


def bodies(case):
    if 'parts' in case:
        return [multipart(case)]
    return [{'data': case['form']},
            {'files': [(name, (None, text)) for name, text in case['form']]}]


def assert_close(value, expected):
    if isinstance(expected, dict):
        assert value.keys() == expected.keys()
        for key, item in expected.items():
            assert_close(value[key], item)
    elif isinstance(expected, list):
        assert len(value) == len(expected)
        for item, other in zip(value, expected):
            assert_close(item, other)
    elif isinstance(expected, str) and expected.startswith('[['):
        assert isinstance(value, str)
        assert_close(json.loads(value), json.loads(expected))
    elif isinstance(expected, float):
        assert value == pytest.approx(expected, abs=1e-4)
    else:
        assert value == expected

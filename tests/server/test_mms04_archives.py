"""Archives that MMS 0.4 wrote answer over HTTP what it answered."""

import json

import pytest
from harness import FIXTURES, Server

pytestmark = pytest.mark.core

CASES = json.loads((FIXTURES / 'expected.json').read_text())['cases']


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    models = {case['served_as']: case['archive'] for case in CASES}
    words = ['--models', *(f'{name}={FIXTURES / archive}' for name, archive in models.items())]
    server = Server(tmp_path_factory.mktemp('fixtures'), words)
    yield server.wait_until_up()
    server.stop()


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


@pytest.mark.parametrize('case', CASES, ids=lambda case: case['archive'])
def test_an_archive_of_mms_04_answers_as_recorded(server, case):
    for body in bodies(case):
        answer = server.post(case['served_as'], **body)
        assert answer.status_code == case['status'], answer.text
        assert_close(answer.json(), case['json'])


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

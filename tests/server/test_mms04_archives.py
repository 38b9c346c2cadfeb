"""Archives that MMS 0.4 wrote answer over HTTP what it answered."""

import pytest
from harness import FIXTURES, Server
from recorded import CASES, assert_close, bodies

pytestmark = pytest.mark.core


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    models = {case['served_as']: case['archive'] for case in CASES}
    words = ['--models', *(f'{name}={FIXTURES / archive}' for name, archive in models.items())]
    server = Server(tmp_path_factory.mktemp('fixtures'), words)
    yield server.wait_until_up()
    server.stop()


@pytest.mark.parametrize('case', CASES, ids=lambda case: case['archive'])
def test_an_archive_of_mms_04_answers_as_recorded(server, case):
    for body in bodies(case):
        answer = server.post(case['served_as'], **body)
        assert answer.status_code == case['status'], answer.text
        assert_close(answer.json(), case['json'])

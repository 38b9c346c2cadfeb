"""Many clients at the same time: every answer is the one that a lone client gets."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from fleet import numpy_service
from harness import FIXTURES, write_archive
from recorded import CASES, assert_close, bodies

KILLER = 'time.sleep(0.2)\nif (data == 666).any(): os.abort()'


def test_archives_of_mms_04_answer_many_clients_as_recorded(serve):
    models = {case['served_as']: case['archive'] for case in CASES}
    server = serve('--models', *(f'{name}={FIXTURES / path}' for name, path in models.items()),
                   '--workers', 2)
    asked = [(case, body) for _ in range(6) for case in CASES for body in bodies(case)]
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda pair: server.post(pair[0]['served_as'], **pair[1]), asked)
        for (case, _), answer in zip(asked, answers):
            assert answer.status_code == case['status'], answer.text
            assert_close(answer.json(), case['json'])
    reasons = re.findall(r'Model (\S+) is served one request at a time', server.log)
    assert len(reasons) == len(set(reasons))
    assert 'died' not in server.log


def test_one_request_of_many_that_kills_its_worker_is_the_only_500(serve, tmp_path):
    path = write_archive(tmp_path, 'm', source=numpy_service(tmp_path / 'notes', KILLER, True))
    server = serve('--models', f'm={path}', '--workers', 1)
    numbers = [*range(8), 666, *range(8, 15)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: server.post_text('m', f'[{number}]'), numbers))
    assert [answer.status_code for answer in answers] == [
        500 if number == 666 else 200 for number in numbers]
    assert answers[8].json()['type'] == 'WorkerDiedException'
    assert [answer.json()['prediction'] for number, answer in zip(numbers, answers)
            if number != 666] == [[2.0 * number] for number in range(15)]


@pytest.mark.parametrize('words', [[], ['--workers', '2', '--batch-size', '4'],
                                   ['--max-batch-delay', '5']])
def test_a_service_that_keeps_state_answers_nobody_with_somebody_else_s(serve, tmp_path, words):
    source = numpy_service(tmp_path / 'notes', 'pass').replace(
        "        return np.array(data, dtype='float64')",
        "        self.size = data[0][0]\n        return np.array(data, dtype='float64')").replace(
        'return data[0].tolist()', 'return [float(data[0][0]), self.size]')
    server = serve('--models', f"m={write_archive(tmp_path, 'm', source=source)}", *words)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda number: server.post_text('m', f'[{number}]').json(),
                                range(200)))
    assert answers == [{'prediction': [2.0 * number, number]} for number in range(200)]
    lines = re.findall(r'is served one request at a time: (.*)', server.log)
    assert lines == ['its _preprocess writes self.size.']


def test_ping_and_description_answer_under_load(serve, tmp_path):
    path = write_archive(tmp_path, 'm', source=numpy_service(tmp_path / 'notes'))
    server = serve('--models', f'm={path}')
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(server.post_text, 'm', f'[{number}]') for number in range(300)]
        for _ in range(10):
            assert server.get('/ping').json() == {'health': 'healthy!'}
            assert json.loads(server.get('/api-description').text)
        assert {answer.result().status_code for answer in asked} == {200}

"""Plain bodies and the other paths of predictions, asked of servers of one and of two fronts."""

import base64
import json
import shutil
import subprocess

import pytest
import requests
from harness import KITTEN, PICTURES, TENSORS, Server, write_archive
from prometheus_client.parser import text_string_to_metric_families

TARGET = 'X-Amzn-SageMaker-Target-Model'
TOKEN = 'good-for-predictions-alone-0123456789'
METRICS_TOKEN = 'another-for-metrics-alone-0123456789'
BODIES = 'return [len(each) if isinstance(each, bytes) else each for each in data]'
PICTURE = KITTEN.read_bytes()
SIZE = f'{{"prediction":[{len(PICTURE)}]}}\n'


@pytest.fixture(scope='module', params=['1', '2'])
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp('plain')
    (folder / 'tokens').write_text(f'{TOKEN} predict\n{METRICS_TOKEN} metrics\n')
    (folder / 'tokens').chmod(0o600)
    models = [f'pic={write_archive(folder, "pic", BODIES, PICTURES)}',
              f'rows={write_archive(folder, "rows", BODIES, TENSORS)}']
    server = Server(folder, ['--models', *models, '--workers', '1', '--auth-token-file', 'tokens',
                             '--front-processes', request.param, '--max-request-size', '200K',
                             '--rate-limit', '500/h'])
    yield server.wait_until_up()
    server.stop()


def post(server, path, body, token=TOKEN, **headers):
    return requests.post(server.url + path, data=body, timeout=60, headers={
        'Authorization': f'Bearer {token}',
        **{name.replace('_', '-'): value for name, value in headers.items()}})


@pytest.mark.parametrize('path', ['/pic/predict', '/predictions/pic', '/invocations'])
@pytest.mark.parametrize(('kind', 'body'), [
    ('image/jpeg', PICTURE), ('application/octet-stream', PICTURE),
    ('application/json', json.dumps({'data': [base64.b64encode(PICTURE).decode()]}))],
    ids=['jpeg', 'bytes', 'json'])
def test_a_picture_is_answered_the_same_wherever_and_however_it_comes(server, path, kind, body):
    answer = post(server, path, body, Content_Type=kind, X_Amzn_SageMaker_Target_Model='pic')
    assert (answer.status_code, answer.text) == (200, SIZE)


@pytest.mark.parametrize('path', ['/rows/predict', '/predictions/rows', '/invocations'])
def test_a_list_is_answered_as_one_in_a_form(server, path):
    headers = {'Content_Type': 'application/json', 'X_Amzn_SageMaker_Target_Model': 'rows'}
    form = server.post('rows', data={'data': '[[1, 2.5]]'},
                       headers={'Authorization': f'Bearer {TOKEN}'})
    answer = post(server, path, '{"data": [[1, 2.5]]}', **headers)
    assert (answer.status_code, answer.text) == (200, form.text)
    refused = post(server, path, '{"data": 1}', **headers)
    assert refused.status_code == 400
    assert refused.json()['message'].startswith('Input data for request argument: data is not ')


@pytest.mark.skipif(not shutil.which('curl'), reason='there is no curl')
def test_curl_sends_a_file_as_the_pages_of_mms_1_say(server):
    done = subprocess.run(
        ['curl', '-sS', '-X', 'POST', f'{server.url}/predictions/pic', '-T', KITTEN, '-H',
         f'Authorization: Bearer {TOKEN}'], capture_output=True, check=True, text=True)
    assert done.stdout == SIZE


def test_tokens_and_sizes_hold_there_too(server):
    for path in ('/predictions/pic', '/invocations', '/predictions/none'):
        assert post(server, path, PICTURE, token='none').status_code == 401
        assert post(server, path, PICTURE, METRICS_TOKEN).status_code == 403
    large = post(server, '/invocations', b'x' * 300_000, Content_Type='image/jpeg',
                 X_Amzn_SageMaker_Target_Model='pic')
    assert (large.status_code, large.json()['type']) == (413, 'PayloadTooLargeException')


def test_several_pictures_are_answered_with_a_list(server):
    expected = f'{{"prediction":[[{len(PICTURE)}],[{len(PICTURE)}]]}}\n'
    encoded = base64.b64encode(PICTURE).decode()
    for path in ('/pic/predict', '/predictions/pic', '/invocations'):
        answer = post(server, path, json.dumps({'data': [encoded, encoded]}), X_MMS_Batch='true',
                      Content_Type='application/json', X_Amzn_SageMaker_Target_Model='pic')
        assert (answer.status_code, answer.text) == (200, expected)
    files = [('data', ('a.jpg', PICTURE, 'image/jpeg'))] * 2
    answer = server.post('pic', files=files, headers={'Authorization': f'Bearer {TOKEN}',
                                                      'X-MMS-Batch': 'true'})
    assert (answer.status_code, answer.text) == (200, expected)
    # As in MMS 0.4, the first one counts.
    answer = server.post('pic', files=files, headers={'Authorization': f'Bearer {TOKEN}'})
    assert (answer.status_code, answer.text) == (200, SIZE)


@pytest.mark.parametrize(('said', 'status', 'text'), [
    ('TRUE ', 200, '{"prediction":[[[1]],[[2]]]}\n'),
    ('false', 200, '{"prediction":[[[1],[2]]]}\n'),
    ('yes', 400, 'The header X-MMS-Batch must be true or false.')])
def test_a_header_says_whether_a_request_has_several_entries(server, said, status, text):
    answer = post(server, '/rows/predict', '{"data": [[1], [2]]}', X_MMS_Batch=said,
                  Content_Type='application/json')
    assert answer.status_code == status
    assert text in answer.text


def test_one_wrong_entry_is_named(server):
    answer = post(server, '/rows/predict', '{"data": [[1], 2]}', X_MMS_Batch='true',
                  Content_Type='application/json')
    assert answer.status_code == 400
    assert answer.json()['message'].startswith('data[1]: Input data for request argument: data is ')


def test_each_entry_counts_for_the_limit_of_a_client(server):
    def ask(count):
        return post(server, '/rows/predict', json.dumps({'data': [[1]] * count}),
                    X_MMS_Batch='true', Content_Type='application/json',
                    X_Forwarded_For='203.0.113.9')

    assert len(ask(300).json()['prediction']) == 300
    refused = ask(300)
    assert (refused.status_code, refused.json()['type']) == (429, 'TooManyRequestsException')
    assert int(refused.headers['Retry-After']) > 60
    too_many = ask(600)
    assert too_many.status_code == 413
    assert 'has 600 entries, and this client may make 500 requests' in too_many.json()['message']


def counted(server):
    """Status -> how many requests for `pic` have had it."""
    text = requests.get(f'{server.url}/metrics', timeout=60,
                        headers={'Authorization': f'Bearer {METRICS_TOKEN}'}).text
    return {sample.labels['code']: sample.value
            for family in text_string_to_metric_families(text) for sample in family.samples
            if sample.name == 'mms_requests_total' and sample.labels['model'] == 'pic'}


def test_what_is_asked_there_counts_for_its_model(server):
    def ask():
        for path in ('/predictions/pic', '/invocations'):
            for body in (PICTURE, b'no picture'):
                post(server, path, body, Content_Type='image/png',
                     X_Amzn_SageMaker_Target_Model='pic')

    ask()
    before = counted(server)
    ask()
    after = counted(server)
    assert {code: after[code] - before[code] for code in ('200', '400')} == {'200': 2, '400': 2}


def test_one_of_several_models_has_to_be_named(server):
    answer = post(server, '/invocations', PICTURE, Content_Type='image/jpeg')
    assert (answer.status_code, answer.json()['message']) == (
        400, f'2 models are served: name one of them in the header {TARGET}. '
             'GET /api-description lists them.')

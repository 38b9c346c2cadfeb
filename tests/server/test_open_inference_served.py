"""The Open Inference Protocol where a request is refused before a model is asked, in front
processes, and in another program.
"""

import gzip
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import requests
from harness import REPO, TENSORS, Server, write_archive

TOKEN, MANAGER = 'predict-' * 4, 'manage-' * 4
BODY = {'id': 'a', 'inputs': [{'name': 'data', 'datatype': 'FP32', 'shape': [1, 2],
                               'data': [1, 2]}]}
ANSWER = [{'name': 'out', 'datatype': 'FP32', 'shape': [1, 2], 'data': [2.0, 4.0]}]
TWICE = 'return [[2 * value for value in row] for row in data[0]]'
SIGNATURE = {**TENSORS, 'inputs': [{'data_name': 'data', 'data_shape': [0, 2]}],
             'outputs': [{'data_name': 'out', 'data_shape': [0, 2]}]}


@pytest.fixture(scope='module')
def archive(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp('archive'), 'twice', TWICE, SIGNATURE)


@pytest.fixture(scope='module', params=['alone', 'fronts'])
def server(request, archive, tmp_path_factory):
    """One that asks for tokens, by itself and with front processes."""
    folder = tmp_path_factory.mktemp('locked')
    tokens = folder / 'tokens'
    tokens.touch(0o600)
    tokens.write_text(f'{TOKEN} predict\n{MANAGER} manage\n')
    fronts = ['--front-processes', '2'] if request.param == 'fronts' else []
    server = Server(folder, ['--models', f'twice={archive}', '--workers', '1', '--auth-token-file',
                             str(tokens), '--max-request-size', '200K', '--management-port', '0',
                             *fronts])
    yield server.wait_until_up()
    server.stop()


def ask(server, path='/v2/models/twice/infer', token=TOKEN, method='POST', **options):
    headers = {**({'Authorization': f'Bearer {token}'} if token else {}),
               **options.pop('headers', {})}
    return requests.request(method, server.url + path, headers=headers, timeout=60, **options)


def refused(answer, status, message):
    assert answer.status_code == status
    assert answer.headers['Content-Type'] == 'application/json'
    assert answer.json().keys() == {'error'}
    assert message in answer.json()['error']


def test_a_model_answers_in_both_protocols(server):
    answer = ask(server, json=BODY)
    assert answer.json() == {'id': 'a', 'model_name': 'twice', 'model_version': '1',
                             'outputs': ANSWER}
    assert answer.headers['X-Request-Id']
    assert ask(server, '/v2/models/twice/versions/1/infer', json=BODY).json()['outputs'] == ANSWER
    assert ask(server, '/twice/predict', data={'data': '[[1, 2]]'}).json() == {
        'prediction': [[2, 4]]}


def test_a_raw_body_is_answered_raw(server):
    answer = ask(server, data=np.array([1, 2], '<f4').tobytes(),
                 headers={'Inference-Header-Content-Length': '0', 'Origin': 'http://page.example'})
    length = int(answer.headers['Inference-Header-Content-Length'])
    assert np.frombuffer(answer.content[length:], '<f4').tolist() == [2, 4]
    assert json.loads(answer.content[:length])['outputs'][0]['shape'] == [1, 2]
    # A script of another page may read where the JSON ends.
    assert 'Inference-Header-Content-Length' in answer.headers['Access-Control-Expose-Headers']


def test_who_may_not_ask_is_told_so_in_the_form_of_the_protocol(server):
    answer = ask(server, token=None, json=BODY)
    refused(answer, 401, 'asks for a token')
    assert answer.headers['WWW-Authenticate'] == 'Bearer realm="mxnet-model-server"'
    refused(ask(server, token=MANAGER, json=BODY), 403, 'has not the scope predict')
    refused(ask(server, '/v2/nothing', None), 401, 'asks for a token')
    for path in ('/v2/health/live', '/v2/health/ready'):
        assert ask(server, path, None, 'GET').status_code == 200


def test_what_is_not_there_is_told_in_the_form_of_the_protocol(server):
    refused(ask(server, '/v2/models/none/infer', json=BODY), 404, 'GET /v2/models lists')
    refused(ask(server, '/v2/models/twice/versions/2', method='GET'), 404, "no version '2'")
    answer = ask(server, method='GET')
    refused(answer, 405, 'does not take GET')
    assert answer.headers['Allow'] == 'OPTIONS, POST'
    assert ask(server, '/none/predict').json()['code'] == 404


def test_a_body_is_limited_by_what_comes_out_of_it(server):
    many = {**BODY, 'inputs': [{**BODY['inputs'][0], 'shape': [10000, 2], 'data': [1, 2] * 10000}]}
    text = json.dumps(many).encode()
    assert ask(server, data=gzip.compress(text), headers={
        'Content-Encoding': 'gzip'}).json()['outputs'][0]['shape'] == [10000, 2]
    for data, headers in ((text * 4, {}), (gzip.compress(text + b' ' * 10**6),
                                           {'Content-Encoding': 'gzip'})):
        refused(ask(server, data=data, headers=headers), 413, 'larger than the limit')
    answer = ask(server, data=text, headers={'Content-Encoding': 'br'})
    refused(answer, 415, 'gzip and deflate are read')
    assert answer.headers['Accept-Encoding'] == 'gzip, deflate'
    refused(ask(server, data=text, headers={'Content-Encoding': 'gzip'}), 400, 'is not gzip')


def test_the_index_takes_a_body_and_changes_are_refused_whoever_asks(server):
    index = '/v2/repository/index'
    entry = {'name': 'twice', 'version': '1', 'state': 'READY', 'reason': ''}
    assert ask(server, index).json() == ask(server, index, json={'ready': True}).json() == [entry]
    refused(ask(server, index, json={'ready': 1}), 400, 'ready must be true or false')
    refused(ask(server, index, data=b'[' * 100), 400, 'is no object of JSON')
    refused(ask(server, index, data=b' ' * 70000), 413, 'larger than the limit of 65536')
    refused(ask(server, index, data=iter([b' ' * 70000])), 413, 'larger than the limit of 65536')
    assert ask(server, index, data=iter([b'{"ready"', b':true}'])).json() == [entry]
    for change in ('load', 'unload'):
        path = f'/v2/repository/models/twice/{change}'
        refused(ask(server, path), 403, 'has not the scope manage')
        refused(ask(server, path, MANAGER), 403, 'on the management port alone')
        management = re.search(r'Management endpoint: (\S+)', server.log)[1]
        answer = requests.post(management + path, headers={'Authorization': f'Bearer {TOKEN}'})
        refused(answer, 403, 'has not the scope manage')
        refused(requests.post(management + path), 401, 'asks for a token')
        manager = {'Authorization': f'Bearer {MANAGER}'}
        for given in (None, [], 0):
            refused(requests.post(management + path, headers=manager, json={'parameters': given}),
                    400, 'The parameters of the request are no object.')
        # No name has a slash.
        refused(requests.post(management + path.replace('twice', 'a%2Fb'), headers=manager), 404,
                'resource is not found')


def test_statistics_have_what_every_process_has_counted(server):
    before = statistics(server)
    for _ in range(3):
        assert ask(server, json=BODY).status_code == 200
    assert ask(server, json={'inputs': []}).status_code == 400
    after = statistics(server)
    assert after['success']['count'] - before['success']['count'] == 3
    assert after['fail']['count'] - before['fail']['count'] == 1
    assert after['compute_infer']['count'] - before['compute_infer']['count'] == 3


def statistics(server):
    answer = ask(server, '/v2/models/twice/stats', method='GET').json()
    return answer['model_stats'][0]['inference_stats']


EMBEDDED = '''
import json, sys
from werkzeug.test import Client
from mms.mxnet_model_server import MMS
app = MMS(args=['--models', 'twice=' + sys.argv[1], '--workers', '1']).create_app()
client, body = Client(app), json.loads(sys.argv[2])
print(json.dumps([client.post('/v2/models/twice/infer', json=body).get_json()['outputs'],
                  client.get('/v2/models').get_json(),
                  client.get('/v2/models/twice/ready').get_json(),
                  client.post('/v2/repository/index').get_json(),
                  client.get('/v2/models/twice/stats').get_json()['model_stats'][0]['name'],
                  client.get('/v2/models/none').get_json(),
                  client.post('/v2/repository/models/twice/load').status_code]))
'''


def test_an_application_in_another_program_speaks_it_too(archive, tmp_path):
    done = subprocess.run([sys.executable, '-c', EMBEDDED, archive, json.dumps(BODY)],
                          cwd=tmp_path, capture_output=True, text=True, timeout=100,
                          env={'PYTHONPATH': str(REPO), 'PATH': '/usr/bin:/bin'})
    assert done.returncode == 0, done.stderr
    outputs, models, ready, index, name, unknown, load = json.loads(done.stdout.splitlines()[-1])
    assert (outputs, models, name, load) == (ANSWER, {'models': ['twice']}, 'twice', 403)
    assert ready == {'name': 'twice', 'ready': True}
    assert (index[0]['state'], unknown.keys()) == ('READY', {'error'})

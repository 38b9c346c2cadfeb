"""Models that come and go through the management port of a running server."""

import json
import os
import re
import socket
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from harness import SERVICE, Server, until, write_archive

FAILS = 'return data\n  nonsense('
WAITS = '''
import os, time
from mms.model_service.model_service import SingleNodeService


class Service(SingleNodeService):
    def __init__(self, model_name, model_dir, manifest, gpu=None):
        open({marker!r}, 'w').close()
        while not os.path.exists({go!r}):
            time.sleep(0.02)
        self.signature_ = __import__('json').load(open(model_dir + '/signature.json'))

    @property
    def signature(self):
        return self.signature_

    def _inference(self, data):
        return [7 * data[0][0][0]]
'''
MEMORY = SERVICE.format(body='        return data').replace(
    'self.model_name = model_name', "raise MemoryError('too much')")


class Managed(Server):
    """A server with a management port."""

    def wait_until_up(self, seconds=120):
        super().wait_until_up(seconds)
        self.find_management()
        return self

    def find_management(self):
        self.management, self.token_path = self.told_management().groups()
        with open(self.token_path) as file:
            self.token = file.read().strip()

    def told_management(self):
        return re.search(r'Management endpoint: (\S+)  \(its token is in (\S+)\)',
                         self.log + self.stderr)

    def manage(self, method, path, token=True, **options):
        headers = {**({'Authorization': f'Bearer {self.token}'} if token else {}),
                   **options.pop('headers', {})}
        return requests.request(method, self.management + path, headers=headers, timeout=60,
                                **options)

    def described(self, name):
        return self.manage('GET', f'/models/{name}').json()

    def predicted(self, name):
        return self.post_text(name, '[[1]]').json()['prediction']


@pytest.fixture(scope='module')
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp('store')
    for name, body in (('twice', 'return [2 * data[0][0][0]]'),
                       ('thrice', 'return [3 * data[0][0][0]]'), ('fails', FAILS)):
        write_archive(folder, name, body)
    write_archive(folder, 'memory', source=MEMORY)
    (folder / 'broken.model').write_text('no zip')
    return folder


@pytest.fixture(scope='module')
def server(store, tmp_path_factory):
    server = Managed(tmp_path_factory.mktemp('server'), [
        '--models', f'first={store}/twice.model', '--management-port', '0', '--model-store',
        str(store), '--workers', '1'])
    try:
        yield server.wait_until_up()
    finally:
        server.stop()


@pytest.fixture
def manage(server):
    """Ask the management port: status, and what it says."""
    def manage(method, path, **options):
        answer = server.manage(method, path, **options)
        return answer.status_code, answer.json()
    return manage


@pytest.fixture
def waits(store, tmp_path):
    """An archive that loads when it is told to, and where it says that it has begun."""
    marker, go = tmp_path / 'began', tmp_path / 'go'
    write_archive(store, 'waits', source=WAITS.format(marker=str(marker), go=str(go)))
    yield marker, go
    go.touch()


def status(text):
    return {'status': text}


def error(code, kind, message):
    return {'code': code, 'type': kind, 'message': message}


def test_the_walk_of_a_client_of_mms_1(server, manage):
    assert manage('POST', '/models?url=twice.model&model_name=a') == (
        200, status('Model "a" registered'))
    assert server.predicted('a') == [2]
    assert manage('POST', '/models?url=twice.model&model_name=a') == (
        409, error(409, 'ConflictStatusException', 'Model a is already registered.'))
    assert manage('PUT', '/models/a?min_worker=2') == (
        202, status('Processing worker updates...'))
    until(lambda: len(server.described('a')['workers']) == 2)
    assert manage('PUT', '/models/a?min_worker=1&max_worker=3&synchronous=true') == (
        200, status('Workers scaled'))
    told = server.described('a')
    assert (told['minWorkers'], told['maxWorkers']) == (1, 3)
    assert manage('DELETE', '/models/a') == (200, status('Model "a" unregistered'))
    assert manage('DELETE', '/models/a') == (
        404, error(404, 'ModelNotFoundException', 'Model not found: a'))
    assert server.post_text('a', '[[1]]').status_code == 404


def test_a_body_of_json_says_the_same_as_a_query(server, manage):
    body = {'url': 'thrice.model', 'model_name': 'b', 'initial_workers': '2',
            'synchronous': 'true', 'response_timeout': 9, 'max_batch_delay': 5, 'batch_size': 4}
    assert manage('POST', '/models', json=body) == (200, status('Workers scaled'))
    told = server.described('b')
    assert (told['minWorkers'], told['maxWorkers'], len(told['workers'])) == (2, 2, 2)
    assert (told['responseTimeout'], told['maxBatchDelay']) == (9, 5)
    assert server.predicted('b') == [3]
    manage('DELETE', '/models/b')


def test_a_model_is_described_as_by_mms_1_and_how_it_does_beside_it(server):
    for _ in range(3):
        server.predicted('first')
    answer = server.manage('GET', '/models/first')
    told = answer.json()
    assert answer.text.startswith('{\n  "modelName": "first",\n')
    assert {key: told[key] for key in (
        'modelName', 'modelVersion', 'engine', 'runtime', 'minWorkers', 'maxWorkers', 'batchSize',
        'maxBatchDelay', 'loadedAtStartup', 'status', 'reason')} == {
        'modelName': 'first', 'modelVersion': 'snapshot', 'engine': 'MXNet', 'runtime': 'python',
        'minWorkers': 1, 'maxWorkers': 1, 'batchSize': 1, 'maxBatchDelay': 0,
        'loadedAtStartup': True, 'status': 'ready', 'reason': ''}
    assert told['modelUrl'].endswith('twice.model')
    worker, = told['workers']
    assert worker['id'] in [str(process.pid) for process in server.workers('first')]
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z', worker['startTime'])
    assert (worker['status'], worker['gpu']) == ('READY', False)
    assert 10**6 < worker['memoryUsage'] < told['memoryBytes'] < 10**9
    assert told['queue'] == {'requests': 0, 'oldestAgeSeconds': 0, 'limit': 1000, 'inFlight': 0}
    assert told['requests']['answered'] >= 3
    assert 0 < told['latencySeconds']['p50'] <= told['latencySeconds']['p99'] < 10
    assert told['batches']['count'] >= 3
    assert told['batches']['whyAlone'] == 'its _preprocess returns list among others'
    assert told['restarts'] == {}


def test_models_are_listed_page_by_page(manage):
    manage('POST', '/models?url=twice.model&model_name=second&initial_workers=0')
    manage('POST', '/models?url=thrice.model&model_name=third&initial_workers=0')
    code, page = manage('GET', '/models?limit=2')
    assert (code, page['nextPageToken']) == (200, '2')
    assert [one['modelName'] for one in page['models']] == ['first', 'second']
    assert manage('GET', '/models?limit=2&next_page_token=2') == (
        200, {'models': [{'modelName': 'third', 'modelUrl': 'thrice.model'}]})
    for limit in ('', '?limit=200', '?limit=-1', '?limit=3'):
        code, page = manage('GET', f'/models{limit}')
        assert (len(page['models']), 'nextPageToken' in page) == (3, False)
    assert manage('GET', '/models?next_page_token=9') == (200, {'models': []})
    for name in ('second', 'third'):
        manage('DELETE', f'/models/{name}')


def test_a_model_without_workers_is_there_and_loads_when_it_gets_some(server, manage):
    assert manage('POST', '/models?url=twice.model&initial_workers=0') == (
        200, status('Model "twice" registered'))
    assert manage('POST', '/models?url=twice.model')[0] == 409
    told = server.described('twice')
    assert (told['status'], told['workers'], told['minWorkers']) == ('unloaded', [], 0)
    refused = server.post_text('twice', '[[1]]')
    assert (refused.status_code, refused.json()['message']) == (
        503, 'No worker is available to serve request for model: twice')
    counted = server.get('/metrics').text
    assert 'mms_requests_total{code="503",model="twice",protocol="classic"} 1.0' in counted
    assert 'mms_requests_refused_total{model="twice",reason="unavailable"} 1.0' in counted
    assert 'could not be recorded' not in server.log
    assert manage('PUT', '/models/twice?url=thrice.model&batch_size=4&synchronous=true') == (
        200, status('Model "twice" replaced'))
    told = server.described('twice')
    assert (told['minWorkers'], told['batchSize']) == (0, 4)
    assert manage('PUT', '/models/twice?synchronous=true') == (200, status('Workers scaled'))
    assert server.predicted('twice') == [3]
    assert manage('PUT', '/models/twice?min_worker=0&synchronous=true') == (
        200, status('Workers scaled'))
    assert server.workers('twice') == []
    assert server.described('twice')['status'] == 'unloaded'
    assert server.post_text('twice', '[[1]]').status_code == 503
    manage('DELETE', '/models/twice')
    assert server.post_text('twice', '[[1]]').status_code == 404


def test_what_lasts_is_seen_while_it_does_and_when_it_has_failed(server, manage, waits):
    began, go = waits
    assert manage('POST', '/models?url=waits.model&synchronous=false') == (
        202, status('Processing worker updates...'))
    until(began.exists)
    told = server.described('waits')
    # Who waits for as many as it says goes on waiting.
    assert (told['status'], told['workers'], told['minWorkers']) == ('loading', [], 1)
    assert {'modelName': 'waits', 'modelUrl': 'waits.model'} in manage('GET', '/models')[1][
        'models']
    assert manage('POST', '/models?url=twice.model&model_name=waits')[0] == 409
    assert manage('PUT', '/models/waits?min_worker=2')[0] == 202
    go.touch()
    until(lambda: len(server.described('waits')['workers']) == 2)
    assert server.predicted('waits') == [7]
    manage('DELETE', '/models/waits')

    assert manage('POST', '/models?url=fails.model&synchronous=false')[0] == 202
    told = until(lambda: server.described('fails')['status'] == 'failed' and
                 server.described('fails'))
    assert 'the service file cannot be loaded: service.py' in told['reason']
    assert told['since'].endswith('Z')
    assert manage('DELETE', '/models/fails')[0] == 200
    assert manage('GET', '/models/fails')[0] == 404


def test_a_model_that_cannot_be_loaded_leaves_nothing_for_who_has_waited(server, manage):
    code, told = manage('POST', '/models?url=fails.model&initial_workers=1')
    assert (code, told['type']) == (500, 'InternalServerException')
    assert told['message'].startswith('Failed to start workers: model fails from fails.model ')
    assert manage('GET', '/models/fails')[0] == 404
    code, told = manage('POST', '/models?url=memory.model')
    assert (code, told['code'], told['type']) == (507, 507, 'InternalServerException')
    assert 'MemoryError' in told['message']
    code, told = manage('POST', '/models?url=broken.model')
    assert (code, told['type']) == (400, 'InvalidModelException')
    assert 'broken.model' in told['message']
    assert [one['modelName'] for one in manage('GET', '/models')[1]['models']] == ['first']


def test_a_replacement_that_cannot_be_served_leaves_the_old_one_and_says_why(server, manage):
    code, told = manage('PUT', '/models/first?url=fails.model&synchronous=true')
    assert code == 500
    assert 'the service file cannot be loaded' in told['message']
    assert manage('PUT', '/models/first?url=none.model')[0] == 404
    assert manage('PUT', '/models/first?url=broken.model')[0] == 400
    assert server.predicted('first') == [2]
    assert manage('PUT', '/models/first?url=fails.model')[0] == 202
    told = until(lambda: server.described('first').get('replacement', {}).get(
        'status') == 'failed' and server.described('first'))
    assert (told['status'], told['replacement']['modelUrl']) == ('ready', 'fails.model')
    assert 'the service file cannot be loaded' in told['replacement']['reason']
    assert manage('PUT', '/models/first?url=twice.model&synchronous=true')[0] == 200
    assert 'replacement' not in server.described('first')


def test_a_model_is_replaced_ten_times_under_load_without_a_failed_request(server, manage):
    answers, is_over = [], threading.Event()

    def client():
        with requests.Session() as session:
            while not is_over.is_set():
                answer = session.post(f'{server.url}/first/predict', data={'data': '[[1]]'},
                                      timeout=60)
                answers.append((answer.status_code, answer.text))

    clients = [threading.Thread(target=client) for _ in range(3)]
    for thread in clients:
        thread.start()
    try:
        for number in range(10):
            name = 'thrice' if number % 2 == 0 else 'twice'
            assert manage('PUT', f'/models/first?url={name}.model&synchronous=true') == (
                200, status('Model "first" replaced'))
    finally:
        is_over.set()
        for thread in clients:
            thread.join()
    assert {code for code, _ in answers} == {200}
    assert {json.loads(text)['prediction'][0] for _, text in answers} == {2, 3}


def test_who_leaves_does_not_stop_what_was_asked_for(server, waits):
    began, go = waits
    host, port = server.management.rpartition('//')[2].split(':')
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b'POST /models?url=waits.model HTTP/1.1\r\nHost: h\r\nAuthorization: '
                           b'Bearer ' + server.token.encode() + b'\r\n\r\n')
        until(began.exists)
    go.touch()
    until(lambda: server.described('waits')['status'] == 'ready')
    assert server.predicted('waits') == [7]
    assert server.manage('DELETE', '/models/waits').status_code == 200


def test_a_model_is_removed_while_it_is_loaded(server, manage, waits):
    began, _ = waits
    with ThreadPoolExecutor() as threads:
        load = threads.submit(manage, 'POST', '/models?url=waits.model')
        until(began.exists)
        assert manage('DELETE', '/models/waits') == (200, status('Model "waits" unregistered'))
        code, told = load.result()
    assert (code, told['message']) == (
        500, 'Model waits is not loaded: it was unregistered meanwhile.')
    assert manage('GET', '/models/waits')[0] == 404
    until(lambda: server.loaded('waits') == [])


def test_of_two_who_register_one_name_at_once_one_is_refused(manage):
    with ThreadPoolExecutor() as threads:
        codes = list(threads.map(lambda name: manage(
            'POST', f'/models?url={name}.model&model_name=same')[0], ['twice', 'thrice']))
    assert sorted(codes) == [200, 409]
    with ThreadPoolExecutor() as threads:
        codes = list(threads.map(lambda _: manage('DELETE', '/models/same')[0], range(2)))
    assert sorted(codes) == [200, 404]


def test_replacements_of_one_model_come_one_after_the_other(server, manage):
    names = ['twice', 'thrice', 'twice']
    with ThreadPoolExecutor() as threads:
        codes = list(threads.map(lambda name: manage(
            'PUT', f'/models/first?url={name}.model&synchronous=true')[0], names))
    assert codes == [200, 200, 200]
    assert manage('PUT', '/models/first?url=twice.model&synchronous=true')[0] == 200
    assert server.predicted('first') == [2]
    assert len(server.workers('first')) == 1


NO_RESOURCE = error(404, 'ResourceNotFoundException',
                    'Requested resource is not found, please refer to API document.')
NO_METHOD = error(405, 'MethodNotAllowedException',
                  'Requested method is not allowed, please refer to API document.')


def not_found(message):
    return error(404, 'ModelNotFoundException', message)


def bad_request(message):
    return error(400, 'BadRequestException', message)


@pytest.mark.parametrize(('method', 'path', 'told'), [
    ('GET', '/', NO_METHOD),
    ('GET', '/other', NO_RESOURCE),
    ('GET', '/models/a/b', NO_RESOURCE),
    ('PUT', '/models', NO_METHOD),
    ('POST', '/models/first', NO_METHOD),
    ('GET', '/models/none', not_found('Model not found: none')),
    ('PUT', '/models/none', not_found('Model not found: none')),
    ('PUT', '/models/none?url=twice.model', not_found('Model not found: none')),
    ('POST', '/models', bad_request('Parameter url is required.')),
    ('POST', '/models?url=InvalidUrl&runtime=InvalidRuntime',
     bad_request('Invalid RuntimeType value: InvalidRuntime')),
    ('POST', '/models?url=InvalidUrl',
     not_found('Model not found in model store: InvalidUrl')),
    ('POST', '/models?url=..%2Ffake.mar&synchronous=false',
     not_found('Relative path is not allowed in url: ../fake.mar')),
    ('POST', '/models?url=http%3A%2F%2Flocalhost%2Fa.model',
     error(403, 'ForbiddenException',
           'http://localhost/a.model is outside of the model store (--model-store).')),
    ('POST', '/models?url=twice.model&model_name=a%2Fb',
     bad_request("The name 'a/b' holds a /; it becomes one segment of the URL.")),
    ('POST', f"/models?url=twice.model&model_name={'a' * 1001}",
     bad_request(f"The name '{'a' * 199}... is longer than 1000 bytes.")),
    ('PUT', '/models/first?min_worker=2&max_worker=1',
     bad_request('max_worker cannot be less than min_worker.')),
    ('PUT', '/models/first?min_worker=0&max_worker=2',
     bad_request("Parameter max_worker is 2, and not 0, as min_worker is.")),
    ('PUT', '/models/first?min_worker=many',
     bad_request("Parameter min_worker is 'many', and not a number from 0 to 1024.")),
    ('PUT', '/models/first?batch_size=many',
     bad_request("Parameter batch_size is 'many', and not a number from 1 to 1024.")),
])
def test_what_is_refused_is_refused_in_the_words_of_mms_1(manage, method, path, told):
    assert manage(method, path) == (told['code'], told)


@pytest.mark.parametrize('path', ['/models/', '/models/first/'])
def test_a_slash_at_the_end_changes_nothing(server, path):
    with_slash, without = (server.manage('GET', one) for one in (path, path.rstrip('/')))
    assert with_slash.status_code == 200
    assert with_slash.json().keys() == without.json().keys()


def test_the_log_names_the_request_for_which_something_was_to_be_loaded(server):
    server.manage('POST', '/models?url=broken.model', headers={'X-Request-Id': 'who-loads'})
    server.manage('POST', '/models?url=fails.model', headers={'X-Request-Id': 'who-fails'})
    for said, request in (('broken.model', 'who-loads'), ('cannot be loaded', 'who-fails')):
        until(lambda said=said, request=request: any(
            line.startswith('[ERROR') and said in line and f'request_id={request}' in line
            for line in server.log.splitlines()))


def test_the_log_says_what_was_asked_for_and_why_it_was_refused(server, manage):
    manage('PUT', '/models/first?min_worker=2&synchronous=true')
    until(lambda: 'Model first is to have 2 workers (as was asked for).' in server.log)
    manage('PUT', '/models/first?min_worker=0&synchronous=true')
    until(lambda: 'Model first has no workers, as was asked for: ' in server.log)
    manage('PUT', '/models/first?min_worker=1&synchronous=true')
    refused = server.manage('PUT', '/models/nobody?min_worker=1',
                            headers={'X-Request-Id': 'a-refusal'})
    assert refused.status_code == 404
    until(lambda: 'Model not found: nobody request_id=a-refusal' in server.log)


def test_nobody_asks_without_a_token(server):
    for headers in ({}, {'Authorization': 'Bearer wrong'}, {'Authorization': 'Basic eA=='}):
        for method, path in (('GET', '/models'), ('DELETE', '/models/first'), ('OPTIONS', '/'),
                             ('GET', '/other')):
            answer = server.manage(method, path, token=False, headers=headers)
            assert (answer.status_code, answer.json()['type']) == (401, 'UnauthorizedException')
            assert answer.headers['WWW-Authenticate'].startswith('Bearer realm=')
            assert 'Access-Control-Allow-Origin' not in answer.headers
    assert server.predicted('first') == [2]


def test_the_token_is_for_the_user_of_the_server_alone(server):
    for path, mode in ((server.token_path, 0o600), (os.path.dirname(server.token_path), 0o700)):
        assert stat.S_IMODE(os.stat(path).st_mode) == mode
    assert server.token not in server.log + server.stdout + server.stderr


def test_the_interface_is_described_as_openapi_3(manage):
    code, document = manage('OPTIONS', '/')
    assert (code, document['openapi']) == (200, '3.0.1')
    for method in ('GET', 'POST', 'OPTIONS'):
        assert manage(method, '/api-description') == (200, document)
    assert {path: sorted(set(methods) - {'parameters'})
            for path, methods in document['paths'].items()} == {
        '/': ['options'], '/models': ['get', 'post'],
        '/models/{model_name}': ['delete', 'get', 'put']}
    text = json.dumps(document)
    for name in re.findall(r'#/components/schemas/(\w+)', text):
        assert name in document['components']['schemas']

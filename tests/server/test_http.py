"""Status codes, messages and headers of the REST API, from a running server."""

import base64
import http.client
import io
import json
import socket
import time

import pytest
import requests
from extras import extra
from harness import KITTEN, PICTURES, TENSORS, Server, until, write_archive
from PIL import Image

EXPECTING = ('This end point is expecting a data_name of data. End point details can be found '
             'here:http://<host>:<port>/api-description')
TWO = {**TENSORS, 'inputs': [{'data_name': 'left', 'data_shape': [0, 2]},
                             {'data_name': 'right', 'data_shape': [0, 2, 2]}]}


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp('http')
    archives = {
        'size': write_archive(folder, 'size', 'return [len(data[0])]', PICTURES),
        'echo': write_archive(folder, 'echo', 'return data[0]'),
        'two': write_archive(folder, 'two', 'return data', TWO),
        'value': write_archive(folder, 'value', 'return eval(data[0][0])'),
        'a name+1': write_archive(folder, 'spaced'),
    }
    words = ['--models', *(f'{name}={path}' for name, path in archives.items()),
             '--max-request-size', '1M', '--max-image-pixels', '1000000']
    server = Server(folder, words)
    yield server.wait_until_up()
    server.stop()


@pytest.fixture
def server_of_large_forms(serve, tmp_path):
    return serve('--models', f"echo={write_archive(tmp_path, 'echo', 'return data[0]')}")


def jpeg(data=None, kind='image/jpeg', name='data'):
    return {'files': [(name, ('x.jpg', KITTEN.read_bytes() if data is None else data, kind))]}


def assert_error(answer, code, message, kind):
    assert answer.status_code == code
    assert answer.headers['Content-Type'] == 'application/json'
    assert answer.json()['code'] == code
    assert message in answer.json()['message']
    assert answer.json()['type'] == kind


def test_a_picture_part_is_answered(server):
    answer = server.post('size', **jpeg())
    assert answer.status_code == 200
    assert answer.json() == {'prediction': [KITTEN.stat().st_size]}


def test_a_picture_in_base64_in_a_form_field_is_answered(server):
    text = base64.b64encode(KITTEN.read_bytes()).decode()
    for body in ({'data': {'data': text}}, {'files': [('data', (None, text))]}):
        assert server.post('size', **body).json() == {'prediction': [KITTEN.stat().st_size]}


def test_inputs_reach_the_service_in_the_order_of_the_signature(server):
    answer = server.post('two', data=[('right', '[3]'), ('left', '[1]'), ('other', 'x')])
    assert answer.json() == {'prediction': [[1], [3]]}


def test_the_first_of_two_fields_of_one_name_counts(server):
    assert server.post('echo', data=[('data', '[1]'), ('data', '[2]')]).json() == {
        'prediction': [1]}
    twice = {'files': jpeg()['files'] + jpeg(b'x')['files']}
    assert server.post('size', **twice).json() == {'prediction': [KITTEN.stat().st_size]}


def test_a_missing_field_is_named(server):
    for model, body in [('size', {}), ('size', jpeg(name='wrong')), ('echo', {}),
                        ('echo', {'data': {'wrong': '[1]'}}), ('size', {'data': {'data': ''}})]:
        assert_error(server.post(model, **body), 400, EXPECTING, 'BadRequestException')
    assert EXPECTING in server.log


def test_a_part_of_another_type_is_refused(server):
    for kind in ('text/plain', 'application/json', 'image'):
        assert_error(
            server.post('size', **jpeg(kind=kind)), 400,
            'Input data for request argument: data is not correct. image/jpeg is expected but '
            f'{kind} is given.', 'BadRequestException')


def test_a_field_that_is_no_list_is_refused(server):
    assert_error(
        server.post_text('echo', '{"a": 1}'), 400,
        'Input data for request argument: data is not correct. application/json is expected '
        "but got <class 'dict'> instead of list", 'BadRequestException')


@pytest.mark.parametrize(('data', 'reason'), [
    (b'', 'empty'), (b'no picture', 'no picture'), (KITTEN.read_bytes()[:20], 'picture'),
])
def test_bytes_that_are_no_picture_are_refused_and_the_server_lives(server, data, reason):
    assert_error(server.post('size', **jpeg(data)), 400, reason, 'BadRequestException')
    assert server.post('size', **jpeg()).status_code == 200


def test_a_picture_of_too_many_pixels_is_refused(server):
    buffer = io.BytesIO()
    Image.new('L', (2000, 501)).save(buffer, 'PNG')
    assert_error(server.post('size', **jpeg(buffer.getvalue())), 400,
                 '2000 x 501 pixels is over the limit of 1000000', 'BadRequestException')


def test_a_request_that_is_too_large_is_refused(server):
    for body in (jpeg(b'x' * 2_000_000), {'data': {'data': '[' + '1,' * 600_000 + '1]'}}):
        assert_error(server.post('size', **body), 413, 'larger than the limit of 1048576 bytes',
                     'PayloadTooLargeException')
    assert server.get('/ping').status_code == 200


def test_a_large_form_field_below_the_limit_is_answered(server):
    numbers = list(range(100_000))
    assert server.post_text('echo', json.dumps(numbers)).json() == {'prediction': numbers}


def test_a_hook_that_raises_is_a_500_whose_traceback_is_in_the_log_alone(server):
    answer = server.post_text('value', '["1/0"]')
    assert_error(answer, 500, 'Error occurs while inference was executed on server.',
                 'InternalServerException')
    assert 'ZeroDivisionError' not in answer.text
    assert 'Traceback' in server.log
    assert 'ZeroDivisionError: division by zero' in server.log


@pytest.mark.parametrize('expression', [r'b"\xff"', '1j', '__import__("sys").exit(3)', 'object()'])
def test_an_answer_that_json_cannot_hold_is_a_500_and_the_worker_lives(server, expression):
    workers = sorted(worker.pid for worker in server.workers())
    assert_error(server.post_text('value', json.dumps([expression])), 500, 'Error occurs while',
                 'InternalServerException')
    assert sorted(worker.pid for worker in server.workers()) == workers


@pytest.mark.parametrize(('expression', 'text'), [
    ('None', 'null'), ('"text"', '"text"'), ('(1, (2,))', '[1,[2]]'), ('float("nan")', 'NaN'),
    ('__import__("numpy").float32(0.5)', '0.5'),
    ('__import__("numpy").eye(2)', '[[1.0,0.0],[0.0,1.0]]'),
    ('__import__("mxnet").nd.ones((1, 2))', '[[1.0,1.0]]'),
])
def test_an_answer_holds_whatever_the_service_returned(server, expression, text):
    answer = server.post_text('value', json.dumps([expression]))
    assert answer.text == f'{{"prediction":{text}}}\n'


def test_unknown_paths_are_404(server):
    for path in ('/none/predict', '/echo/predict/', '/Echo/predict', '/echo', '/ping/', '/x',
                 '/echo//predict'):
        assert_error(requests.post(server.url + path, timeout=10), 404, '',
                     'ResourceNotFoundException')


@pytest.mark.parametrize(('method', 'path', 'allowed'), [
    ('GET', '/echo/predict', {'POST', 'OPTIONS'}),
    ('PUT', '/echo/predict', {'POST', 'OPTIONS'}),
    ('POST', '/ping', {'GET', 'HEAD', 'OPTIONS'}),
    ('DELETE', '/', {'GET', 'HEAD', 'OPTIONS'}),
    ('POST', '/api-description', {'GET', 'HEAD', 'OPTIONS'}),
])
def test_a_wrong_method_is_a_405_that_says_which_are_right(server, method, path, allowed):
    answer = requests.request(method, server.url + path, timeout=10)
    assert_error(answer, 405, '', 'MethodNotAllowedException')
    assert set(answer.headers['Allow'].split(', ')) == allowed


@pytest.mark.parametrize('path', ['/ping', '/', '/api-description'])
def test_head_works_where_get_does(server, path):
    answer = requests.head(server.url + path, timeout=10)
    assert (answer.status_code, answer.content) == (200, b'')


@pytest.mark.parametrize('path', ['/ping', '/'])
def test_ping_says_healthy(server, path):
    assert server.get(path).json() == {'health': 'healthy!'}


@pytest.mark.parametrize(('method', 'path'), [
    ('GET', '/ping'), ('GET', '/none'), ('GET', '/echo/predict'), ('POST', '/echo/predict'),
])
def test_every_answer_allows_every_origin(server, method, path):
    plain = requests.request(method, server.url + path, timeout=10)
    assert plain.headers['Access-Control-Allow-Origin'] == '*'
    named = requests.request(method, server.url + path, timeout=10,
                             headers={'Origin': 'http://page.example'})
    assert named.headers['Access-Control-Allow-Origin'] in ('*', 'http://page.example')
    if named.headers['Access-Control-Allow-Origin'] != '*':
        assert 'Origin' in named.headers['Vary']


def test_a_name_with_spaces_and_signs_is_served(server):
    assert server.post_text('a%20name+1', '[1]').json() == {'prediction': [[1]]}


def test_many_requests_go_over_one_connection(server):
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=10)
    sockets = set()
    for number in range(20):
        connection.request('POST', '/echo/predict', f'data=[{number}]',
                           {'Content-Type': 'application/x-www-form-urlencoded'})
        assert json.loads(connection.getresponse().read()) == {'prediction': [number]}
        sockets.add(connection.sock)
    assert len(sockets) == 1
    connection.close()


def test_a_chunked_body_is_answered(server):
    answer = server.post('echo', data=iter([b'data=', b'[1', b',2]']),
                         headers={'Content-Type': 'application/x-www-form-urlencoded'})
    assert answer.json() == {'prediction': [1, 2]}


@pytest.mark.parametrize('body', [
    pytest.param(b'data=' + b'x' * 2_000_000, id='form'),
    pytest.param(b'data=[' + b'1,' * 600_000 + b'1]', id='list'),
])
def test_a_chunked_body_that_is_too_large_is_refused_and_never_cut_short(server, body):
    pieces = (body[start:start + 100_000] for start in range(0, len(body), 100_000))
    answer = server.post('size', data=pieces,
                         headers={'Content-Type': 'application/x-www-form-urlencoded'})
    assert_error(answer, 413, 'larger than the limit of 1048576 bytes', 'PayloadTooLargeException')


def test_a_form_may_have_thousands_of_fields_but_not_any_number(server):
    many = [('data', (None, '[1]')), *((f'x{i}', (None, '')) for i in range(3000))]
    assert server.post('echo', files=many).json() == {'prediction': [1]}
    few = [('data', '[1]'), *((f'x{i}', '') for i in range(9000))]
    assert server.post('echo', data=few).json() == {'prediction': [1]}
    for body in ({'files': [(f'x{i}', (None, '')) for i in range(10_001)]},
                 {'data': [('x', '')] * 10_001}):
        assert_error(server.post('echo', **body), 413, 'more than 10000 fields',
                     'PayloadTooLargeException')


def test_a_picture_part_may_be_sent_in_base64(server):
    text = base64.b64encode(KITTEN.read_bytes()).decode()
    part = ('x.jpg', text, 'image/jpeg', {'Content-Transfer-Encoding': 'base64'})
    answer = server.post('size', files=[('data', part)])
    assert answer.json() == {'prediction': [KITTEN.stat().st_size]}


def test_a_broken_chunk_is_the_clients_fault(server):
    with socket.create_connection(('127.0.0.1', server.port), 10) as client:
        client.sendall(b'POST /echo/predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n'
                       b'Content-Type: application/x-www-form-urlencoded\r\n\r\nnonsense\r\n')
        assert client.recv(100).startswith(b'HTTP/1.1 400')
    assert server.get('/ping').status_code == 200


@pytest.mark.parametrize(('line', 'status'), [
    (b'nonsense', 400), (b'GET /ping HTTP/1', 400),
    (b'GET /ping HTTP/1.1\r\n' + b'\r\n'.join(b'x%d: y' % i for i in range(150)), 431),
    (b'GET /ping HTTP/9.9', 400), (b'GET /' + b'x' * 9000 + b' HTTP/1.1', 414),
])
def test_what_is_no_request_gets_json_too(server, line, status):
    with socket.create_connection(('127.0.0.1', server.port), 10) as client:
        client.sendall(line + b'\r\nHost: x\r\n\r\n')
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert answer.status == status
        assert answer.headers['Access-Control-Allow-Origin'] == '*'
        assert json.loads(answer.read())['code'] == status


def test_an_answer_before_the_body_was_read_closes_the_connection(server):
    head = (b'POST /echo/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n'
            b'Expect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n')
    with socket.create_connection(('127.0.0.1', server.port), 20) as client:
        client.sendall(head)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert (answer.status, answer.headers['Connection']) == (413, 'close')


def test_a_client_that_goes_on_sending_gets_to_read_its_413(server):
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=20)
    connection.request('POST', '/echo/predict', b'x' * 30_000_000,
                       {'Content-Type': 'application/x-www-form-urlencoded'})
    assert connection.getresponse().status == 413


def test_a_target_with_scheme_and_host_is_its_path(server):
    with socket.create_connection(('127.0.0.1', server.port), 10) as client:
        client.sendall(b'GET http://x.example/ping?a=b HTTP/1.1\r\nHost: x.example\r\n\r\n')
        assert client.recv(100).startswith(b'HTTP/1.1 200')


def test_a_request_forges_no_line_of_the_log(server):
    server.get('/x%0A[ERROR%20forged%1b%E2%80%AE')
    until(lambda: 'forged' in server.log)
    assert '\n[ERROR forged' not in server.log
    assert not {'\x1b', '\u202e'} & set(server.log)


def test_a_large_form_is_answered(server_of_large_forms):
    numbers = list(range(400_000))
    answer = server_of_large_forms.post_text('echo', json.dumps(numbers))
    assert answer.json() == {'prediction': numbers}


@pytest.mark.parametrize('header', [b'Connection: upgrade', b'Upgrade: websocket',
                                    b'Connection: keep-alive, Upgrade'])
def test_a_proxy_that_asks_for_an_upgrade_gets_its_answer(server, header):
    with socket.create_connection(('127.0.0.1', server.port), 10) as client:
        for _ in range(2):
            client.sendall(b'POST /echo/predict HTTP/1.1\r\nHost: x\r\n' + header
                           + b'\r\nContent-Type: application/x-www-form-urlencoded\r\n'
                           b'Content-Length: 8\r\n\r\ndata=[1]')
            answer = http.client.HTTPResponse(client)
            answer.begin()
            assert json.loads(answer.read()) == {'prediction': [1]}


@pytest.mark.parametrize('header', ['close', 'Close', 'TE, close', 'close, TE',
                                    'keep-alive, close', 'keep-alive\r\nConnection: close'])
def test_a_client_that_asks_for_the_end_of_the_connection_gets_it(server, header):
    with socket.create_connection(('127.0.0.1', server.port), 10) as client:
        client.sendall(f'GET /ping HTTP/1.1\r\nHost: x\r\nConnection: {header}\r\n\r\n'.encode())
        assert b'healthy!' in client.makefile('rb').read()


def test_a_client_that_sends_a_head_without_end_gets_its_answer(server):
    with socket.create_connection(('127.0.0.1', server.port), 10) as client:
        client.sendall(b'GET /ping HTTP/1.1\r\nHost: x\r\nX: ' + b'x' * 500_000)
        got = client.makefile('rb').read()
    assert got.startswith(b'HTTP/1.1 431')
    assert json.loads(got.partition(b'\r\n\r\n')[2])['code'] == 431


@pytest.mark.parametrize(('version', 'lines'), [
    (b'1.1', b'Transfer-Encoding: gzip, chunked'), (b'1.1', b'Transfer-Encoding : chunked'),
    (b'1.1', b'Content-Length: 44\r\nTransfer-Encoding: chunked'),
    (b'1.0', b'Transfer-Encoding: chunked'), (b'1.1', b'Content-Length: 4\r\nContent-Length: 44'),
    (b'1.1', b'Content-Length: +44'), (b'1.1', b'Origin: http://a\r\n b'), (b'1.1', b'X\0: y'),
])
def test_a_head_that_two_readers_could_understand_differently_is_refused(server, version, lines):
    with socket.create_connection(('127.0.0.1', server.port), 10) as client:
        client.sendall(b'POST /echo/predict HTTP/' + version + b'\r\nHost: x\r\n' + lines
                       + b'\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n')
        got = client.makefile('rb').read()
    head, _, body = got.partition(b'\r\n\r\n')
    assert head.startswith(b'HTTP/1.1 400')
    assert b'Connection: close' in head
    assert json.loads(body)['message'].startswith('This is no HTTP request: ')
    assert '/smuggled' not in server.log


@pytest.mark.parametrize('start', [b'GET /pi', b'GET /ping HTTP/1.1\r\nHost: x\r\n',
                                   b'GET /ping HTTP/1.1\r\nHost'])
def test_a_client_that_leaves_within_a_head_leaves_no_trace(server, start):
    before = server.log.count('ERROR')
    with socket.create_connection(('127.0.0.1', server.port), 10) as client:
        client.sendall(start)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b''
    assert server.log.count('ERROR') == before


def test_a_broken_chunk_of_a_body_that_nobody_wants_is_no_fault_of_the_server(server):
    with socket.create_connection(('127.0.0.1', server.port), 10) as client:
        client.sendall(b'POST /nope HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
                       b'\r\nnonsense\r\n')
        assert client.makefile('rb').read().startswith(b'HTTP/1.1 404')
    assert server.get('/ping').status_code == 200
    assert 'Traceback' not in server.stderr[-2000:]


@pytest.mark.parametrize(('text', 'status'), [
    ('[' * 101 + ']' * 101, 400), ('[{"a":' * 51 + '1' + '}]' * 51, 400),
    ('[' * 100_000, 400), ('[' * 498 + ']' * 498, 400),
    ("['', " + '(' * 101 + ')' * 101 + ']', 400),
    ('[' * 100 + ']' * 100, 200), ('["' + '[' * 600 + '\\""]', 200),
    ('[' + ','.join(['[1, {}]'] * 2000) + ']', 200),
])
def test_nesting_beyond_100_levels_is_refused(server, text, status):
    answer = server.post_text('echo', text)
    assert (answer.status_code, 'nested too deeply' in answer.text) == (status, status == 400)


def test_an_answer_that_is_nested_too_deeply_is_the_fault_of_the_service(server):
    deep = "__import__('functools').reduce(lambda inner, _: [inner], range(3000), 1)"
    assert_error(server.post_text('value', json.dumps([deep])), 500,
                 'Error occurs while inference was executed on server.', 'InternalServerException')
    until(lambda: 'ValueError: the answer of the service is nested too deeply' in server.log)
    assert 'RecursionError' not in server.log


def megabyte(head, unit, tail):
    return head + unit * ((950_000 - len(head + tail)) // len(unit)) + tail


FIELD = b'--x\r\nContent-Disposition: form-data; name="data"'
FORMS = 'multipart/form-data; boundary=x'
URLENCODED = 'application/x-www-form-urlencoded'


@pytest.mark.alone
@pytest.mark.parametrize(('body', 'kind', 'status', 'message'), [
    (megabyte(b"data=['a',", b'1,', b'1]'), URLENCODED, 200, ''),
    (megabyte(b'data=', b'%', b''), URLENCODED, 400, 'neither JSON nor a Python literal'),
    (megabyte(b'data=', b'%41', b''), URLENCODED, 400, 'neither JSON nor a Python literal'),
    (megabyte(b'data=[1]&', b'n', b'=1'), URLENCODED, 200, ''),
    (megabyte(FIELD + b"\r\n\r\n['", b'\n', b"']\r\n--x--"), FORMS, 400, 'no closing quote'),
    (megabyte(FIELD + b"\r\n\r\n['\\x41', ", b'(1,),', b"1]\r\n--x--"), FORMS, 400,
     'at most 100000 parts'),
    (megabyte(FIELD, b'\r\na: b', b'\r\n\r\n[1]\r\n--x--'), FORMS, 413, 'head of a part of'),
    (megabyte(FIELD[:-1], b'n', b'"\r\n\r\n[1]\r\n--x--'), FORMS, 413, 'head of a part of'),
    (megabyte(FIELD + b'\r\n\r\n', b'\r\n--xa', b'\r\n--x--'), FORMS, 400, 'boundary of the form'),
])
def test_a_form_that_is_made_to_be_expensive_is_answered_in_a_moment(server, body, kind, status,
                                                                    message):
    start = time.monotonic()
    answer = server.post('echo', data=body, headers={'Content-Type': kind})
    assert time.monotonic() - start < 5
    assert (answer.status_code, message in answer.text) == (status, True)
    assert status == 200 or len(answer.content) < 1000


def test_an_answer_has_one_connection_header(server):
    with socket.create_connection(('127.0.0.1', server.port), 10) as client:
        client.sendall(b'POST /nope HTTP/1.0\r\nConnection: keep-alive\r\n'
                       b'Content-Length: 5\r\n\r\nabcde')
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert answer.headers.get_all('Connection') == ['close']


def test_a_form_cut_short_is_no_server_error(server):
    answer = server.post('size', data=b'--x\r\nContent-Disposition: form-data; name="da',
                         headers={'Content-Type': 'multipart/form-data; boundary=x'})
    assert answer.status_code == 400
    answer = server.post('size', data=b'x', headers={'Content-Type': 'multipart/form-data'})
    assert answer.status_code == 400


def test_the_description_names_every_endpoint_and_input(server):
    description = server.get('/api-description').json()['description']
    assert description['swagger'] == '2.0'
    assert description['info'] == {'title': 'Model Serving Apis', 'version': '1.0.0'}
    assert description['host'] == f'127.0.0.1:{server.port}'
    assert set(description['paths']) == {
        '/', '/ping', '/api-description', '/size/predict', '/echo/predict', '/two/predict',
        '/value/predict', '/a%20name%2B1/predict'}
    two = description['paths']['/two/predict']['post']
    assert two['operationId'] == 'two_predict'
    assert two['consumes'] == ['multipart/form-data']
    assert [p['description'] for p in two['parameters']] == [
        'left should tensor with shape: [2]', 'right should tensor with shape: [2, 2]']
    size = description['paths']['/size/predict']['post']
    assert size['parameters'] == [{
        'in': 'formData', 'name': 'data', 'required': True, 'type': 'file',
        'description': 'data should be image which will be resized to: [3, 8, 8]'}]


def test_the_description_passes_a_swagger_validator(server):
    validator = extra('openapi_spec_validator').OpenAPIV2SpecValidator
    validator(server.get('/api-description').json()['description']).validate()


@pytest.mark.parametrize(('source', 'text'), [
    ('{"id": __import__("uuid").UUID(int=5), '
     '"at": __import__("datetime").datetime(2018, 5, 24, 10)}',
     b'{"at":"Thu, 24 May 2018 10:00:00 GMT","id":"00000000-0000-0000-0000-000000000005"}'),
    ('{"b": {3, 1}, 2: b"k"}', b'{"2":"k","b":[1,3]}'),
    ('[__import__("decimal").Decimal("1.50")]', b'["1.50"]'),
])
def test_an_answer_may_hold_what_json_has_no_form_of_its_own_for(server, source, text):
    answer = server.post_text('value', json.dumps([source]))
    assert (answer.status_code, answer.content) == (200, b'{"prediction":' + text + b'}\n')


def test_bytes_that_are_no_text_are_a_500_and_the_log_says_what_and_where(server):
    answer = server.post_text('value', json.dumps([r'{"mask": [b"\xff"]}']))
    assert_error(answer, 500, 'Error occurs while inference was executed on server.',
                 'InternalServerException')
    until(lambda: "base64.b64encode(...).decode('ascii') (in prediction['mask'][0])" in server.log)

"""What the log of a running server says of one request, whichever process writes it."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from fleet import numpy_service
from harness import SERVICE, Server, until, write_archive

TALKER = 'import logging, os, threading, time\n' + SERVICE.format(body='''\
        logging.info('logged\\nin two lines')
        thread = threading.Thread(target=logging.info, args=('in a thread',))
        thread.start()
        thread.join()
        print('printed')
        value = data[0][0]
        if value == 5:
            raise KeyError('a hook fails')
        if value == 6:
            time.sleep(1.2)
        if value == 7:
            print('about to die', flush=True)
            os._exit(3)
        return data''')
JOINT = "import logging; logging.getLogger('joint').info('%d together', len(data))"
TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
MADE = re.compile(r'[0-9a-f]{32}')


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp('ids')
    started = Server(folder / 'server', [
        '--models', f"m={write_archive(folder, 'm', source=TALKER)}",
        f"b={write_archive(folder, 'b', source=numpy_service('/dev/null', JOINT, True))}",
        '--workers', '1', '--batch-size', '16', '--max-batch-delay', '2000',
        '--access-log-exclude', '/ping,/met*', '--slow-request', '1',
        '--max-request-size', '100000'])
    yield started.wait_until_up()
    started.stop()


def lines_about(server, request_id):
    mark = f'request_id={request_id}'
    return [line for line in server.log.splitlines() if line.endswith(mark)]


def ask(server, text, request_id, **headers):
    return server.post_text('m', text, headers={'X-Request-Id': request_id, **headers})


def raw_answer(server, data):
    with socket.create_connection(('127.0.0.1', server.port), timeout=30) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b''
        while piece := connection.recv(65536):
            answer += piece
    return answer.decode()


def test_each_line_that_a_request_leaves_names_it(server):
    assert ask(server, '[1]', 'all-1').headers['X-Request-Id'] == 'all-1'
    until(lambda: len(lines_about(server, 'all-1')) == 4)
    logged, thread, printed, access = sorted(
        lines_about(server, 'all-1'),
        key=lambda line: ['logged', 'thread', 'printed', 'POST'].index(
            re.search('logged|thread|printed|POST', line.rpartition('/')[2] + line)[0]))
    assert ' logged request_id=all-1' in logged
    assert f'{logged}\nin two lines\n' in server.log
    assert thread.endswith(' in a thread request_id=all-1')
    assert printed.endswith(' output:m:0 printed request_id=all-1')
    assert re.search(r' POST /m/predict 200 \d+\.\d ms model=m client=127\.0\.0\.1 ', access)


def test_the_traceback_of_a_hook_and_the_refusal_name_it(server):
    assert ask(server, '[5]', 'fails-1').status_code == 500
    until(lambda: any(' 500 ' in line for line in lines_about(server, 'fails-1')))

    def found():
        return [line for line in lines_about(server, 'fails-1') if line.startswith('[ERROR')]

    # A worker's lines come on a way of their own.
    until(lambda: len(found()) == 2)
    errors = sorted(found(), key=lambda line: 'Traceback' not in line)
    assert [line.rpartition(' request_id')[0].endswith(end) for line, end in zip(errors, (
        'Traceback (most recent call last):',
        'Error occurs while inference was executed on server.'))] == [True, True]
    assert "KeyError: 'a hook fails'" in server.log


def test_what_a_worker_prints_last_and_its_death_are_of_the_request_that_killed_it(server):
    assert ask(server, '[7]', 'kills-1').status_code == 500
    until(lambda: any(' 500 ' in line for line in lines_about(server, 'kills-1')))

    def count(pattern):
        return sum(bool(re.search(pattern, line)) for line in lines_about(server, 'kills-1'))

    until(lambda: count('about to die') == 2)
    until(lambda: count(r'\[WARNING .* Worker \d+ of model m died') == 2)
    until(lambda: ask(server, '[1]', 'after').status_code == 200)


def test_requests_that_run_together_are_named_together(server):
    names = [f'joint-{number}' for number in range(10)]

    def post(name):
        return server.post_text('b', '[1]', headers={'X-Request-Id': name}).status_code

    def together():
        with ThreadPoolExecutor(len(names)) as pool:
            assert set(pool.map(post, names)) == {200}
        return re.findall(r' (\d+) together request_id=(\S+)$', server.log, re.MULTILINE)

    found = until(lambda: [line for line in together() if int(line[0]) > 8])
    count, ids = found[0]
    assert re.fullmatch(rf'(joint-\d,){{7}}joint-\d\+{int(count) - 8}', ids)


@pytest.mark.parametrize('given', ['a b', 'é'.encode(), 'x' * 200, ''])
def test_a_name_that_is_not_sane_is_replaced(given, server):
    answer = ask(server, '[1]', given)
    assert MADE.fullmatch(answer.headers['X-Request-Id'])


@pytest.mark.parametrize(('method', 'path', 'status'), [
    ('GET', '/nowhere', 404), ('PUT', '/ping', 405), ('HEAD', '/ping', 200),
    ('OPTIONS', '/m/predict', 200), ('GET', '/api-description', 200), ('POST', '/m/predict', 400)])
def test_every_answer_has_the_name(method, path, status, server):
    answer = requests.request(method, server.url + path, timeout=30)
    assert (answer.status_code, bool(MADE.fullmatch(answer.headers['X-Request-Id']))) == (
        status, True)


@pytest.mark.parametrize(('sent', 'status'), [
    (b'NO REQUEST\r\n\r\n', 400), (b'GET / HTTP/1.1\r\nBad Line\r\n\r\n', 400),
    (b'GET /' + b'x' * 9000 + b' HTTP/1.1\r\n\r\n', 414),
    (b'GET / HTTP/1.1\r\n' + b'A: b\r\n' * 200 + b'\r\n', 431),
    (b'POST /m/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n', 413)])
def test_what_is_refused_before_it_is_a_request_has_a_name_too(sent, status, server):
    answer = raw_answer(server, sent)
    assert answer.startswith(f'HTTP/1.1 {status} ')
    [name] = re.findall(r'(?mi)^X-Request-Id: (\S+)\r$', answer)
    assert MADE.fullmatch(name)
    if status in (400, 431):
        [line] = until(lambda: lines_about(server, name))
        assert line.startswith('[INFO')
        assert 'No HTTP request from 127.0.0.1' in line


def test_a_page_of_another_origin_may_read_the_name(server):
    answer = ask(server, '[1]', 'page-1', Origin='http://page.example')
    assert 'X-Request-Id' in answer.headers['Access-Control-Expose-Headers']


def test_the_trace_of_a_client_is_in_its_access_line(server):
    ask(server, '[1]', 'trace-1', traceparent=TRACE, tracestate='a=b , c=d')
    until(lambda: [line for line in lines_about(server, 'trace-1')
                   if f' traceparent={TRACE} tracestate=a=b,c=d request_id=' in line])


def test_the_client_behind_a_trusted_proxy_is_the_last_one_that_is_no_proxy(server):
    ask(server, '[1]', 'proxy-1', **{'X-Forwarded-For': '6.6.6.6, 203.0.113.7, 127.0.0.1'})
    until(lambda: [line for line in lines_about(server, 'proxy-1')
                   if ' client=203.0.113.7 ' in line])


def test_the_description_has_the_address_that_the_client_of_a_proxy_knows(server):
    def description(**headers):
        answer = requests.get(f'{server.url}/api-description', headers=headers, timeout=30)
        found = answer.json()['description']
        return found['schemes'], found['host']

    assert description() == (['http'], f'127.0.0.1:{server.port}')
    assert description(**{'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'models.example'}) == (
        ['https'], 'models.example')
    assert description(Host='models.example', **{'X-Forwarded-Proto': 'https'}) == (
        ['https'], 'models.example')
    assert description(**{'X-Forwarded-Proto': 'ftp', 'X-Forwarded-Host': 'a/b'})[0] == ['http']


def test_excluded_paths_leave_no_line(server):
    for path in ('/ping', '/metrics', '/api-description'):
        requests.get(server.url + path, headers={'X-Request-Id': 'quiet-1'}, timeout=30)
    [line] = until(lambda: lines_about(server, 'quiet-1'))
    assert ' GET /api-description 200 ' in line


def test_a_slow_request_leaves_a_warning_with_the_time_of_each_phase(server):
    ask(server, '[6]', 'slow-1')
    [line] = until(lambda: [line for line in lines_about(server, 'slow-1')
                            if line.startswith('[WARNING')])
    found = re.search(r' Slow request: POST /m/predict 200 took ([\d.]+) ms: queue ([\d.]+) ms, '
                      r'preprocess ([\d.]+) ms, inference ([\d.]+) ms, postprocess ([\d.]+) ms, '
                      r'other ([\d.]+) ms model=m request_id=slow-1$', line)
    total, *phases = map(float, found.groups())
    assert phases[2] >= 1200
    assert sum(phases) == pytest.approx(total, abs=0.5)
    assert not [line for line in server.log.splitlines()
                if 'Slow request' in line and 'request_id=all-1' in line]


@pytest.mark.parametrize(('method', 'path', 'level'), [
    ('GET', '/nowhere', 'INFO'), ('POST', '/none/predict', 'INFO'),
    ('PUT', '/api-description', 'INFO'), ('GET', '/m/predict', 'ERROR'),
    ('POST', '/m/predict', 'ERROR')])
def test_a_mistake_is_an_error_where_it_is_about_a_model_alone(method, path, level, server):
    name = f'mistake-{method}-{path}'
    requests.request(method, server.url + path, headers={'X-Request-Id': name}, timeout=30)
    until(lambda: len(lines_about(server, name)) == 2)
    assert {line.split(' ')[0] for line in lines_about(server, name)} == {f'[{level}', '[INFO'}

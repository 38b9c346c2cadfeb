"""The limits of a server as its clients meet them, and what its metrics and its log say of it."""

import http.client
import json
import socket

import pytest
from harness import Server, until, write_archive
from prometheus_client.parser import text_string_to_metric_families


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp('limits')
    archive = write_archive(folder, 'm')
    server = Server(folder, ['--models', f'm={archive}', '--workers', '1', '--max-headers', '12',
                             '--max-header-size', '2K', '--max-form-fields', '3',
                             '--rate-limit', '5/m', '--forwarded-allow-ips', '127.0.0.2',
                             '--metrics-port', '0', '--max-connections-per-client', '8'])
    yield server.wait_until_up()
    server.stop()


def refused(server):
    """Reason -> how many, where there are any."""
    port = int(server.log.partition('metrics endpoint: 127.0.0.1:')[2].partition('/')[0])
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
    connection.request('GET', '/metrics')
    text = connection.getresponse().read().decode()
    connection.close()
    return {sample.labels['reason']: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples if sample.name == 'mms_refused_total' and sample.value}


def ask(server, source='127.0.0.1', path='/api-description', headers=(), body=None):
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=60,
                                            source_address=(source, 0))
    connection.request('POST' if body else 'GET', path, body, dict(headers))
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, answer.headers, text


@pytest.mark.parametrize(('data', 'status', 'reason'), [
    (b'nonsense\r\n\r\n', 400, 'bad_head'),
    (b'GET /' + b'a' * 9000 + b' HTTP/1.1\r\n\r\n', 414, 'long_line'),
    (b'GET / HTTP/1.1\r\n' + b'A: b\r\n' * 13 + b'\r\n', 431, 'large_head'),
    (b'GET / HTTP/1.1\r\nA: ' + b'b' * 2100 + b'\r\n\r\n', 431, 'large_head'),
])
def test_what_is_no_request_is_counted(server, data, status, reason):
    before = refused(server).get(reason, 0)
    with socket.create_connection(('127.0.0.1', server.port), 30) as client:
        client.sendall(data)
        assert client.recv(1000).startswith(b'HTTP/1.1 %d ' % status)
    until(lambda: refused(server).get(reason, 0) == before + 1)
    until(lambda: 'No HTTP request from 127.0.0.1: ' in server.log)


def test_a_client_that_asks_too_often_is_told_when_to_come_again_and_others_are_answered(server):
    statuses = [ask(server, '127.0.0.3')[0] for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    status, headers, text = ask(server, '127.0.0.3', '/m/predict', body=b'data=1')
    assert (status, json.loads(text)['type']) == (429, 'TooManyRequestsException')
    assert 1 <= int(headers['Retry-After']) <= 12
    assert ask(server, '127.0.0.3', '/ping')[0] == 200
    assert ask(server, '127.0.0.4')[0] == 200
    assert refused(server)['rate_limit'] == 2
    until(lambda: '127.0.0.3 makes more requests than --rate-limit allows.' in server.log)
    assert '[ERROR' not in server.log


def test_behind_a_trusted_proxy_each_client_is_one(server):
    for client in ('10.0.0.1', '10.0.0.2'):
        forwarded = {'X-Forwarded-For': client}
        statuses = [ask(server, '127.0.0.2', headers=forwarded)[0] for _ in range(6)]
        assert statuses == [200] * 5 + [429]
    # Who is no proxy is one client, whatever it says.
    statuses = [ask(server, '127.0.0.5', headers={'X-Forwarded-For': f'10.0.1.{number}'})[0]
                for number in range(6)]
    assert statuses == [200] * 5 + [429]


def test_a_form_has_as_many_fields_as_it_may(server):
    status, _, text = ask(server, '127.0.0.6', '/m/predict', body=b'a=1&b=2&c=3&d=4', headers={
        'Content-Type': 'application/x-www-form-urlencoded'})
    assert (status, b'more than 3 fields (--max-form-fields)' in text) == (413, True)


def test_a_client_has_as_many_connections_as_it_may(server):
    clients = [socket.create_connection(('127.0.0.1', server.port), 30,
                                        source_address=('127.0.0.7', 0)) for _ in range(8)]
    status, headers, _ = ask(server, '127.0.0.7')
    assert (status, headers['Retry-After']) == (429, '1')
    assert ask(server, '127.0.0.8')[0] == 200
    for client in clients:
        client.close()
    until(lambda: ask(server, '127.0.0.7')[0] == 200)

"""Odd request lines and hosts, from raw sockets: every answer is JSON, and none is a redirect."""

import http.client
import json
import socket

import pytest
from harness import Server, write_archive

HEALTHY = {'health': 'healthy!'}


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp('targets')
    server = Server(folder, ['--models', f"echo={write_archive(folder, 'echo')}", '--workers', '1'])
    yield server.wait_until_up()
    server.stop()


def ask(server, line, lines=b'Host: x', method='GET'):
    """Answer to a request line and header lines; the connection is closed after it."""
    with socket.create_connection(('127.0.0.1', server.port), 20) as client:
        client.sendall(line + b'\r\n' + lines + b'\r\nConnection: close\r\n\r\n')
        answer = http.client.HTTPResponse(client, method=method)
        answer.begin()
        answer.text = answer.read()
        return answer


@pytest.mark.parametrize('target', [
    b'http://host?x=1', b'http://host', b'http://host/', b'http://host/?x=1', b'HTTPS://HOST?x=1',
    b'http://u:p@host:99999?', b'http://?x=1', b'http://[::1]:80?x#y', b'?x=1', b'?', b'/?x=1',
    b'http://host/ping?x=1', b'/ping?a?b=c',
])
def test_a_target_without_a_path_is_the_root(server, target):
    answer = ask(server, b'GET ' + target + b' HTTP/1.1')
    assert (answer.status, json.loads(answer.text)) == (200, HEALTHY)
    head = ask(server, b'HEAD ' + target + b' HTTP/1.1', method='HEAD')
    assert (head.status, head.headers['Content-Type'], head.text) == (200, 'application/json', b'')


@pytest.mark.parametrize('target', [b'http://host/echo/predict?x=1', b'/echo/predict?x=1'])
def test_a_prediction_may_be_asked_for_by_a_whole_url(server, target):
    body = b'data=[1]'
    with socket.create_connection(('127.0.0.1', server.port), 20) as client:
        client.sendall(b'POST ' + target + b' HTTP/1.1\r\nHost: x\r\n'
                       b'Content-Type: application/x-www-form-urlencoded\r\n'
                       b'Content-Length: %d\r\n\r\n' % len(body) + body)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert json.loads(answer.read()) == {'prediction': [[1]]}


@pytest.mark.parametrize(('line', 'status'), [
    (b'POST http://host?x HTTP/1.1', 404), (b'OPTIONS * HTTP/1.1', 404), (b'GET * HTTP/1.1', 404),
    (b'TRACE / HTTP/1.1', 405), (b'CONNECT host:80 HTTP/1.1', 404), (b'CONNECT / HTTP/1.1', 405),
    (b'GET //evil.example/%2e%2e HTTP/1.1', 404), (b'GET /%2e%2e HTTP/1.1', 404),
    (b'GET /ping/ HTTP/1.1', 404), (b'GET /echo HTTP/1.1', 404), (b'GET /ping# HTTP/1.1', 404),
    (b'GET /% HTTP/1.1', 404), (b'GET /%zz HTTP/1.1', 404), (b'GET /%ff%fe HTTP/1.1', 404),
    (b'GET /\xff\xfe HTTP/1.1', 404), (b'GET /%00%1b%0d%0aX:y%7f HTTP/1.1', 404),
    (b'GET /\x1b[31m HTTP/1.1', 400), (b'GET ftp://host/ping HTTP/1.1', 404),
    (b'GET http://[::1/zz HTTP/1.1', 404), (b'GET  HTTP/1.1', 400), (b'GET /a b HTTP/1.1', 400),
    (b'F<O /ping HTTP/1.1', 400), (b'F\x1bO /ping HTTP/1.1', 400), (b'\xff /ping HTTP/1.1', 400),
    (b'GET /none HTTP/1.0', 404), (b'GET /none HTTP/1.10', 400), (b'GET /none', 400),
    (b'PRI * HTTP/2.0', 400), (b'GET /ping http/1.1', 400), (b'\x16\x03\x01\x02\x00', 400),
    (b'', 400), (b'GET http://host?' + b'x' * 9000 + b' HTTP/1.1', 414),
])
def test_what_is_not_served_is_an_error_in_json(server, line, status):
    answer = ask(server, line)
    assert answer.status == status
    assert_plain(answer, status)


@pytest.mark.parametrize('host', [
    b'X: y', b'Host:', b'Host: a b', b'Host: <b>"\'/@:x', b'Host: x:99999', b'Host: x:abc',
    b'Host: \xff\xfe', b'Host: [::1', b'Host: ' + b'a' * 300 + b'..', b'Host: a\r\nHost: b',
    b'Host: xn--\xe9.example', b'Host: %1b', b'Host: x\r\nX-Forwarded-Host: a b',
    b'Host: x\r\nCookie: \xff=\xfe', b'Host: x\r\nAuthorization: Basic \xff',
    b'Host: x\r\nIf-None-Match: *', b'Host: x\r\nRange: bytes=z', b'Host: x\r\nOrigin: \x9b31m',
])
@pytest.mark.parametrize('line', [b'GET http://host?x HTTP/1.1', b'GET /none HTTP/1.1',
                                  b'POST /echo/predict HTTP/1.1', b'PUT / HTTP/1.1'])
def test_a_strange_host_or_header_gets_an_answer_in_json(server, line, host):
    answer = ask(server, line, host)
    if answer.status == 200:
        assert json.loads(answer.text) == HEALTHY
    else:
        assert 400 <= answer.status < 500
        assert_plain(answer, answer.status)


def assert_plain(answer, status):
    """An error as the contract has it, without a raw control character."""
    assert answer.headers['Content-Type'] == 'application/json'
    assert answer.headers['Access-Control-Allow-Origin']
    assert 'Location' not in answer.headers
    assert answer.text.isascii()
    assert answer.text.decode().rstrip('\n').isprintable()
    body = json.loads(answer.text)
    assert (set(body), body['code']) == ({'code', 'type', 'message'}, status)

"""The bytes of requests and answers that the server holds have a limit."""

import contextlib
import select
import socket

import pytest
from harness import until, write_archive

MEGABYTE = 1024 * 1024


@pytest.fixture
def server(serve, tmp_path):
    archive = write_archive(tmp_path, 'm', 'return ["x" * int(data[0][0])]')
    return serve('--models', f'm={archive}', '--max-request-size', '1M',
                 '--max-buffered-bytes', '2M')


def half_sent(server):
    """A request of a megabyte that lacks its last byte."""
    sock = socket.create_connection(('127.0.0.1', server.port), 20)
    sock.sendall(f'POST /m/predict HTTP/1.1\r\nHost: x\r\nContent-Length: {MEGABYTE}\r\n'
                 'Content-Type: application/x-www-form-urlencoded\r\n\r\n'.encode())
    sock.sendall(b'data=%5B3%5D&x='.ljust(MEGABYTE - 1, b'x'))
    return sock


class HalfSent:
    """Two requests of a megabyte that lack their last byte."""

    def __init__(self, server):
        self._server = server
        self._socks = [half_sent(server) for _ in range(2)]

    def fill(self):
        """Send again what was refused since another request was read first."""
        for index, sock in enumerate(self._socks):
            if select.select([sock], [], [], 0)[0]:
                sock.close()
                self._socks[index] = half_sent(self._server)

    def close(self):
        for sock in self._socks:
            sock.close()


def test_what_is_more_is_told_when_to_come_again(server):
    def refused():
        held.fill()
        return server.post_text('m', f'[3, "{"x" * 10_000}"]').status_code == 503

    with contextlib.closing(HalfSent(server)) as held:
        until(refused)
        answer = server.post_text('m', f'[3, "{"x" * 10_000}"]')
        assert answer.headers['Retry-After'] == '1'
        assert answer.json() == {
            'code': 503, 'type': 'ServiceUnavailableException',
            'message': f'The server holds as many bytes of requests and answers as it may, '
                       f'{2 * MEGABYTE} (--max-buffered-bytes).'}
        assert server.get('/ping').status_code == 200
    until(lambda: server.post_text('m', f'[3, "{"x" * 10_000}"]').status_code == 200)


LARGE = ''.join(f'X-{number}: {"x" * 600}\r\n' for number in range(90))


@pytest.mark.parametrize('request_', [
    f'POST /m/predict HTTP/1.1\r\nHost: x\r\n{LARGE}Content-Length: 10\r\n\r\n',
    f'GET /ping HTTP/1.1\r\nHost: x\r\n{LARGE}',
    f'POST /m/predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{LARGE}',
], ids=['heads', 'half heads', 'trailers'])
def test_large_heads_count_too(server, request_):
    with contextlib.ExitStack() as holding:
        refusals = []
        # 50 KB of each count, in 2 MB.
        for _ in range(50):
            sock = holding.enter_context(
                socket.create_connection(('127.0.0.1', server.port), 20))
            sock.sendall(request_.encode())
            if select.select([sock], [], [], 0.05)[0]:
                refusals.append(sock.recv(4096).decode())
        assert refusals
        assert {refusal.split('\r\n')[0] for refusal in refusals} == {
            'HTTP/1.1 503 SERVICE UNAVAILABLE'}
        assert all('Retry-After: 1\r\n' in refusal for refusal in refusals)
        assert all('--max-buffered-bytes' in refusal for refusal in refusals)
        # Small requests need nothing of it.
        assert server.get('/ping').status_code == 200
    until(lambda: server.post_text('m', '[3]').status_code == 200)


def test_an_answer_that_never_fits_is_an_error_that_names_the_flag(server):
    answer = server.post_text('m', f'[{3 * MEGABYTE}]')
    assert answer.status_code == 500
    assert '--max-buffered-bytes' in answer.json()['message']
    assert server.post_text('m', '[3]').json() == {'prediction': ['xxx']}


def test_a_limit_below_that_of_a_request_is_refused(launch, tmp_path):
    archive = write_archive(tmp_path, 'm')
    server = launch('--models', f'm={archive}', '--max-buffered-bytes', '1M')
    assert server.wait() == 1
    assert server.stderr == (
        "mxnet-model-server: --max-buffered-bytes '1M' is less than --max-request-size, "
        '67108864 bytes: the largest request would never fit\n')

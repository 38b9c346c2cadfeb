"""Limits, tokens and certificates hold for all front processes together."""

import os
import signal
import socket
import ssl

import pytest
import requests
from certificates import Authority
from fronts_asked import Client, beginning, fronts, samples, who_answered
from harness import Server, until

TOKEN, OTHER = 'a' * 32, 'b' * 32


@pytest.fixture(scope='module')
def server(archive, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp('limits'), [
        '--models', f'm={archive}', '--workers', '1', '--front-processes', '2',
        '--forwarded-allow-ips', '10.0.0.1', '--max-connections-per-client', '3',
        '--max-connections', '5', '--rate-limit', '30/h'])
    yield server.wait_until_up()
    server.stop()


def refused(server, reason):
    return sum(number for labels, number in samples(server, 'mms_refused_total').items()
               if ('reason', reason) in labels)


def test_one_client_has_so_many_connections_in_all(server):
    clients = [Client(server, '127.0.0.2') for _ in range(3)]
    assert [client.ask()[0] for client in clients] == [200] * 3
    one_more = Client(server, '127.0.0.2')
    assert one_more.ask()[0] == 429
    one_more.close()
    clients.pop().close()

    def is_let_in():
        again = Client(server, '127.0.0.2')
        try:
            return again.ask()[0] == 200
        finally:
            again.close()

    until(is_let_in)
    for client in clients:
        client.close()
    assert refused(server, 'max_connections_per_client') >= 1


def test_one_client_asks_so_often_in_all(server):
    clients = [Client(server, '127.0.0.3') for _ in range(2)]
    statuses = [client.ask()[0] for client in clients * 16]
    assert sorted(statuses) == [200] * 30 + [429] * 2
    for client in clients:
        client.close()


def test_beyond_the_limit_the_connection_that_is_idle_for_longest_gives_way_whoever_has_it(server):
    clients = [Client(server, f'127.0.1.{number}') for number in range(5)]
    for client in clients:
        assert client.ask()[0] == 200
    # Idle for less than that, none gives way.
    refused_client = Client(server, '127.0.1.9')
    assert refused_client.ask()[0] == 503
    refused_client.close()

    def is_let_in():
        late = Client(server, '127.0.1.8')
        try:
            return late.ask()[0] == 200
        finally:
            late.close()

    until(is_let_in)
    with pytest.raises(OSError):  # noqa: PT011
        clients[0].ask()
    assert clients[4].ask()[0] == 200
    for client in clients:
        client.close()


@pytest.fixture(scope='module')
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp('authority'))


@pytest.fixture(scope='module')
def secured(archive, authority, tmp_path_factory):
    folder = tmp_path_factory.mktemp('secured')
    tokens = folder / 'tokens'
    tokens.write_text(f'{TOKEN} predict,metrics first\n')
    tokens.chmod(0o600)
    files = authority.sign()
    server = Server(folder, ['--models', f'm={archive}', '--workers', '1', '--front-processes',
                             '2', '--auth-token-file', str(tokens), *files.words()])
    server.verify = authority.path
    server.tokens, server.files = tokens, files
    yield server.wait_until_up()
    server.stop()


def ask(server, token, **headers):
    return requests.post(f'{server.url}/m/predict', data={'data': '[["a"]]'}, timeout=60,
                         verify=server.verify,
                         headers={'Authorization': f'Bearer {token}', **headers})


def shown_to(server):
    """Serial number of the certificate that a new connection is shown."""
    text = ssl.get_server_certificate(('127.0.0.1', server.port))
    from cryptography import x509
    return x509.load_pem_x509_certificate(text.encode()).serial_number


def test_tokens_and_certificates_are_read_again_by_all_before_the_log_says_so(secured, authority):
    assert [ask(secured, TOKEN).status_code for _ in range(2)] == [200] * 2
    assert [ask(secured, OTHER).status_code for _ in range(2)] == [401] * 2
    assert requests.get(f'{secured.url}/api-description', timeout=30,
                        verify=secured.verify).status_code == 401
    before = {shown_to(secured) for _ in range(2)}
    assert len(before) == 1
    secured.tokens.write_text(f'{OTHER} predict,metrics second\n')
    renewed = authority.sign()
    for new, old in zip(renewed, secured.files):
        os.replace(new, old)
    os.kill(secured.pid, signal.SIGHUP)
    until(lambda: 'what may change was read again (SIGHUP)' in secured.log)
    assert [ask(secured, TOKEN).status_code for _ in range(2)] == [401] * 2
    assert [ask(secured, OTHER).status_code for _ in range(2)] == [200] * 2
    after = {shown_to(secured) for _ in range(2)}
    assert len(after) == 1
    assert after != before
    until(lambda: secured.log.count('token=second') == 2)


def test_a_token_is_taken_when_its_file_has_changed(secured):
    secured.tokens.write_text(f'{TOKEN} predict,metrics third\n')
    until(lambda: [ask(secured, TOKEN).status_code for _ in range(2)] == [200] * 2)


def test_a_front_that_begins_while_tokens_are_read_again_takes_those_of_now_alone(secured):
    said = 'what may change was read again (SIGHUP)'
    before = secured.log.count(said)
    fronts(secured)[0].kill()
    [new] = until(lambda: beginning(secured))
    new.suspend()
    secured.tokens.write_text(f'{OTHER} predict,metrics fourth\n')
    until(lambda: ask(secured, OTHER).status_code == 200)
    os.kill(secured.pid, signal.SIGHUP)
    until(lambda: secured.log.count(said) > before)
    new.resume()

    def answers():
        assert ask(secured, TOKEN).status_code == 401
        return new.pid in who_answered(secured)

    until(answers)


def test_who_speaks_plain_http_is_told_so_by_a_front(secured):
    assert len(fronts(secured)) == 2
    with socket.create_connection(('127.0.0.1', secured.port), 30) as client:
        client.sendall(b'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        assert b'This port speaks TLS' in client.recv(2000)

"""A server under TLS, asked by curl and requests, while its certificate is renewed."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests
from certificates import Authority, Files
from debian_programs import environment, needs, path_of
from harness import REPO, Server, until, write_archive

READ = 'was read; new connections get it'


@pytest.fixture(scope='module')
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp('authority'))


@pytest.fixture(scope='module')
def archive(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp('archives'), 'echo', 'return data[0]')


@pytest.fixture(scope='module')
def mounted(authority, tmp_path_factory):
    """A folder of a certificate, as Kubernetes mounts a secret."""
    return Mounted(tmp_path_factory.mktemp('mounted'), authority.sign())


@pytest.fixture(scope='module')
def server(authority, archive, mounted, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp('tls'), [
        '--models', f'm={archive}', '--workers', '1', '--metrics-port', '0', '--management-port',
        '0', '--management-token', 'none', '--model-store', '.', *mounted.files.words()])
    server.verify = authority.path
    yield server.wait_until_up()
    server.stop()


class Mounted:
    """Files are links into a folder that is a link to a folder, which is exchanged."""

    def __init__(self, folder, files):
        self._folder, self._number = Path(folder), 0
        self.put(files)
        for name in ('tls.crt', 'tls.key'):
            (folder / name).symlink_to(Path('..data') / name)
        self.files = Files(str(folder / 'tls.crt'), str(folder / 'tls.key'))

    def put(self, files):
        self._number += 1
        made = self._folder / f'..{self._number}'
        made.mkdir()
        shutil.copy(files.cert, made / 'tls.crt')
        shutil.copy(files.key, made / 'tls.key')
        (self._folder / '..next').symlink_to(made.name)
        os.replace(self._folder / '..next', self._folder / '..data')


def curl(authority, *words):
    done = subprocess.run(['curl', '-sS', '--cacert', authority.path, *words], capture_output=True,
                          text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def shown(port, authority):
    """Serial number of the certificate that a port shows."""
    with socket.create_connection(('127.0.0.1', port)) as plain, \
            authority.context().wrap_socket(plain, server_hostname='localhost') as sock:
        return sock.getpeercert()['serialNumber']


def subject(port, authority):
    with socket.create_connection(('127.0.0.1', port)) as plain, \
            authority.context().wrap_socket(plain, server_hostname='localhost') as sock:
        return dict(*sock.getpeercert()['subject'])['commonName']


def other_ports(server):
    return [int(line.partition('://')[2].partition('/')[0].partition(' ')[0].rpartition(':')[2]
                if '://' in line else line.partition('endpoint: ')[2].partition('/')[0]
                .rpartition(':')[2])
            for line in server.log.splitlines()
            if 'metrics endpoint: ' in line or 'Management endpoint: ' in line]


def test_curl_and_requests_are_answered_on_every_port(server, authority):
    assert server.url.startswith('https://')
    assert curl(authority, f'{server.url}/ping') == (0, '{"health":"healthy!"}\n')
    assert server.post_text('m', '[7]').json() == {'prediction': [7]}
    metrics, management = other_ports(server)
    assert curl(authority, f'https://localhost:{metrics}/metrics')[0] == 0
    assert curl(authority, f'https://localhost:{management}/models')[0] == 0
    assert f'Management at https://127.0.0.1:{management}' in server.stdout


def test_old_versions_and_strangers_are_refused(server, authority):
    status, said = curl(authority, '--tlsv1.1', '--tls-max', '1.1', f'{server.url}/ping')
    assert status == 35, said
    assert curl(authority, '--tlsv1.2', '--tls-max', '1.2', f'{server.url}/ping')[0] == 0
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f'{server.url}/ping', timeout=60)


@needs('sslscan')
@pytest.mark.parametrize('kind', ['ec', 'rsa'])
def test_sslscan_finds_nothing_old_nor_weak(server, authority, mounted, kind):
    mounted.put(authority.sign(f'scanned-{kind}', kind=kind))
    until(lambda: subject(server.port, authority) == f'scanned-{kind}')
    done = subprocess.run([path_of('sslscan'), '--no-colour', '--xml=-',
                           f'127.0.0.1:{server.port}'], env=environment(), capture_output=True,
                          timeout=100, check=True)
    found = ElementTree.fromstring(done.stdout[done.stdout.index(b'<document'):]).find('ssltest')
    spoken = {f"{one.get('type')} {one.get('version')}" for one in found.findall('protocol')
              if one.get('enabled') == '1'}
    assert spoken == {'tls 1.2', 'tls 1.3'}
    ciphers = [one.get('cipher') for one in found.findall('cipher')]
    assert len(ciphers) > 4
    assert all(re.match('TLS_(AES|CHACHA20)_|ECDHE-(ECDSA|RSA)-(AES...-GCM|CHACHA20)', cipher)
               for cipher in ciphers), ciphers
    assert {one.get('strength') for one in found.findall('cipher')} <= {'strong', 'acceptable'}
    assert found.find('renegotiation').get('supported') == '0'
    beats = found.findall('heartbleed')
    assert beats
    assert {one.get('vulnerable') for one in beats} == {'0'}


def test_plain_http_is_told_of_tls(server):
    for port in (server.port, *other_ports(server)):
        answer = requests.get(f'http://127.0.0.1:{port}/ping', timeout=60)
        assert answer.status_code == 400
        assert 'This port speaks TLS' in answer.json()['message']


def test_the_scheme_is_told_wherever_an_address_is(server):
    described = server.get('/api-description').json()['description']
    assert described['schemes'] == ['https']
    assert f'{server.url}/api-description' in server.post('m', data={'x': '1'}).json()['message']
    assert f'curl -X POST {server.url}/m/predict' in server.stdout
    # Tools look for these lines.
    assert f'Service health endpoint: 127.0.0.1:{server.port}/ping' in server.log


def test_the_models_command_asks_by_https_and_says_what_it_needs(server, authority):
    port = other_ports(server)[1]

    def models(*words):
        done = subprocess.run([sys.executable, '-m', 'mms', 'models', 'list', *words],
                              capture_output=True, text=True, timeout=60, cwd=REPO)
        return done.returncode, done.stdout + done.stderr

    status, said = models('--management', f'https://127.0.0.1:{port}', '--ca', authority.path)
    assert status == 0
    assert '"modelName": "m"' in said
    status, said = models('--management', f'https://127.0.0.1:{port}')
    assert status == 1
    assert said.endswith('give the authority that has signed it with --ca FILE\n')
    status, said = models('--management', f'127.0.0.1:{port}')
    assert status == 1
    assert 'This port speaks TLS: ask it with https:// in the place of http://.' in said


def test_the_metric_tells_when_the_certificate_ends(server, mounted):
    name = 'mms_tls_certificate_expiry_timestamp_seconds'
    [value] = [float(line.split()[-1]) for line in server.get('/metrics').text.splitlines()
               if line.startswith(f'{name}{{file="{mounted.files.cert}"}}')]
    assert 88 < (value - time.time()) / 86_400 < 91


def test_a_thousand_handshakes_that_are_never_done_hold_up_nobody(server):
    held = []
    try:
        for number in range(1000):
            held.append(socket.create_connection(('127.0.0.1', server.port)))
            if number % 2:
                held[-1].sendall(b'\x16\x03\x01\x02\x00\x01')
        for _ in range(5):
            assert requests.get(f'{server.url}/ping', timeout=5, verify=server.verify).ok
    finally:
        for one in held:
            one.close()


def test_a_certificate_is_renewed_while_clients_ask_and_none_fails(server, mounted, authority):
    stop, failed, answered = threading.Event(), [], []

    def ask(session):
        while not stop.wait(0.05):
            try:
                answer = session().post(f'{server.url}/m/predict', data={'data': '[7]'},
                                        timeout=60, verify=server.verify)
                answered.append(answer.json() == {'prediction': [7]})
            except Exception as error:
                failed.append(error)

    kept = requests.Session()
    threads = [threading.Thread(target=ask, args=(session,), daemon=True)
               for session in (lambda: kept, lambda: requests)]
    for thread in threads:
        thread.start()
    first = shown(server.port, authority)
    # One after the other, and by the links.
    new = authority.sign('rsa', kind='rsa')
    data = Path(mounted.files.cert).resolve()
    shutil.copy(new.cert, data)
    until(lambda: 'The certificate stays as it was until its files can be used: --tls-key'
          in server.log)
    assert shown(server.port, authority) == first
    shutil.copy(new.key, data.with_suffix('.key'))
    until(lambda: shown(server.port, authority) != first)
    second = shown(server.port, authority)
    mounted.put(authority.sign('again'))
    until(lambda: shown(server.port, authority) != second)
    assert {shown(port, authority) for port in other_ports(server)} == {
        shown(server.port, authority)}
    read = server.log.count(READ)
    server.process.send_signal(signal.SIGHUP)
    until(lambda: server.log.count(READ) == read + 1)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert len(answered) > 10
    assert all(answered)
    assert server.log.count('The certificate stays as it was') == 1


def test_nothing_of_it_is_an_error(server):
    """Of what the tests before have done to this server."""
    lines = [line for line in server.log.splitlines() if '[ERROR' in line]
    assert [line for line in lines if 'expecting a data_name' not in line] == []
    assert 'Traceback' not in server.log + server.stderr


def test_clients_that_have_to_show_a_certificate_do_and_others_are_told(serve, archive, authority):
    files, client = authority.sign(), authority.sign('client')
    server = serve('--models', f'm={archive}', '--workers', '1', *files.words(),
                   '--tls-client-ca', authority.path)
    status, said = curl(authority, f'{server.url}/ping')
    assert status == 56, said
    assert 'certificate required' in said
    asked = ['--cert', client.cert, '--key', client.key, f'{server.url}/ping']
    assert curl(authority, *asked) == (0, '{"health":"healthy!"}\n')
    server.verify, server.cert = authority.path, client
    assert server.post_text('m', '[7]').json() == {'prediction': [7]}
    server.stop()
    assert 'peer did not return a certificate' in server.log


@pytest.mark.parametrize(('words', 'said'), [
    (['--tls-key', 'k'], "--tls-key 'k' is given without the certificate of the server: give "
     '--tls-cert FILE'),
    (['--tls-client-ca', 'c'], "--tls-client-ca 'c' is given without the certificate of the "
     'server: give --tls-cert FILE'),
    (['--tls-cert', 'missing'], "--tls-cert 'missing' cannot be read: No such file or directory; "
     'give a PEM file that the user of the server may read'),
], ids=['key', 'client-ca', 'missing'])
def test_what_cannot_be_used_stops_the_start_in_one_line(launch, archive, words, said):
    server = launch('--models', f'm={archive}', *words)
    assert server.wait() == 1
    assert server.stderr == f'mxnet-model-server: {said}\n'
    assert server.stdout == ''

"""Debian's nginx with the site of ``deploy/``, in front of a real server."""

import re
import shutil
import socketserver
import subprocess
import threading

import pytest
import requests
from debian_programs import needs
from deploy_clients import Clients, predict
from deploy_machine import DEPLOY, Machine
from deploy_nginx import Nginx
from deploy_units import Service, Unit
from doc_pages import blocks, read
from harness import KITTEN, PICTURES, Server, until, write_archive

from mms.config.settings import Settings
from mms.frontend.http import answer_writer, connection

pytestmark = needs('nginx')

SITE = (DEPLOY / 'nginx' / 'mxnet-model-server.conf').read_text(encoding='utf-8')
UNITS = {'k': 2**10, 'm': 2**20, 's': 1}
# What the machine of a client has in place of the loopback address that nginx has.
CLIENT = '127.0.0.2'


def said(directive, text=SITE):
    """The number behind each of a directive's lines, in bytes or seconds."""
    return [int(number) * UNITS[unit]
            for number, unit in re.findall(rf'^ *{directive} (\d+)([kms]);', text, re.M)]


def from_client(method, url, **options):
    """Ask from an address that is not nginx's own."""
    with requests.Session() as session:
        adapter = session.get_adapter('http://')
        adapter.init_poolmanager(1, 1, source_address=(CLIENT, 0))
        return session.request(method, url, timeout=30, **options)


def start_server(machine):
    """A server on the machine's port."""
    words = ['--models', f'flowers={machine.archive}',
             f'cats={write_archive(machine.root, "cats", "return [[1]]", PICTURES)}',
             '--workers', '1']
    server = Server(machine.root / 'server', words, port=str(machine.port))
    return server.wait_until_up()


@pytest.fixture(scope='module')
def server(machine):
    server = start_server(machine)
    yield server
    server.stop()


@pytest.fixture(scope='module')
def site(machine, server):
    site = Nginx(machine)
    yield site.start()
    site.close()


def test_nginx_takes_the_site_without_a_word_of_warning(machine):
    status, printed = Nginx(machine).check()
    assert status == 0
    assert not re.search(r'\[(?!notice)\w+\]', printed), printed


def test_its_limits_are_those_of_the_server():
    defaults = Settings()
    assert said('client_max_body_size') == [defaults.max_request_bytes]
    [idle_s, client_idle_s] = said('keepalive_timeout')
    assert idle_s < connection._IDLE_S == client_idle_s
    assert said('client_header_timeout') == [connection._HEAD_S]
    assert said('client_body_timeout') == [connection._BODY_STALL_S]
    assert said('send_timeout') == [answer_writer._ANSWER_STALL_S]
    assert said('proxy_read_timeout')[0] > defaults.request_timeout_s


def test_a_picture_is_uploaded_through_it(site, server):
    with open(KITTEN, 'rb') as picture:
        answer = requests.post(f'{site.url}/cats/predict', files={'data': picture}, timeout=30)
    assert answer.status_code == 200
    with open(KITTEN, 'rb') as picture:
        assert answer.json() == server.post('cats', files={'data': picture}).json()


def test_a_body_as_large_as_the_server_takes_goes_through_and_no_larger_one(site):
    largest = Settings().max_request_bytes
    for size, status in ((largest, 404), (largest + 1, 413)):
        answer = requests.post(f'{site.url}/nothing/predict', data=b'\0' * size, timeout=60)
        assert answer.status_code == status
        assert answer.json()['code'] == status
        assert answer.headers['Content-Type'] == 'application/json'
    assert answer.json()['type'] == 'PayloadTooLargeException'
    assert answer.headers['X-Request-Id']


def test_all_that_clients_ask_for_is_there_and_the_metrics_only_from_the_machine_itself(site):
    for path, status in (('/ping', 200), ('/api-description', 200), ('/health/live', 200),
                         ('/health/ready', 200), ('/health/startup', 200), ('/metrics', 403)):
        assert from_client('GET', site.url + path).status_code == status, path
    assert requests.get(f'{site.url}/metrics', timeout=30).status_code == 200


def test_the_id_of_a_request_is_the_same_in_the_answer_and_in_both_logs(site, server):
    given = predict(site.url, headers={'X-Request-Id': 'of-the-client'})
    made = predict(site.url)
    assert given.headers['X-Request-Id'] == 'of-the-client'
    assert re.fullmatch('[0-9a-f]{32}', made.headers['X-Request-Id'])
    for answer in (given, made):
        name = answer.headers['X-Request-Id']
        until(lambda name=name: f'request_id={name}' in server.log)
        until(lambda name=name: name in site.log.read_text(encoding='utf-8').split())


def test_the_log_of_the_server_has_the_address_of_the_client(site, server):
    from_client('POST', f'{site.url}/flowers/predict', data={'data': '[[1]]'},
                headers={'X-Request-Id': 'from-afar'})
    [line] = until(lambda: [line for line in server.log.splitlines() if 'from-afar' in line])
    assert f'client={CLIENT}' in line


def test_the_description_names_the_address_by_which_it_was_asked_for(site):
    headers = {'Host': 'models.example.com'}
    answer = requests.get(f'{site.url}/api-description', headers=headers, timeout=30)
    described = answer.json()['description']
    assert described['host'] == 'models.example.com'
    assert described['schemes'] == ['http']


def test_a_server_that_is_started_again_is_reached_at_once(tmp_path):
    machine = Machine(tmp_path)
    server, site = start_server(machine), Nginx(machine)
    try:
        site.start()
        assert predict(site.url).status_code == 200
        server.stop()
        answer = predict(site.url, headers={'X-Request-Id': 'too-early'})
        assert (answer.status_code, answer.json()['code']) == (503, 503)
        assert answer.headers['Retry-After'] == '1'
        assert answer.headers['X-Request-Id'] == 'too-early'
        server = start_server(machine)
        assert predict(site.url).status_code == 200
    finally:
        site.close()
        server.stop()


@pytest.mark.skipif(shutil.which('openssl') is None, reason='needs openssl')
def test_with_the_lines_of_the_page_it_speaks_tls_and_the_server_knows(tmp_path, server, machine):
    [lines] = [block.body for block in blocks(read('docs/deploy_nginx.md'))
               if 'ssl_certificate' in block.body and block.language == 'nginx']
    for name, place in re.findall(r'(ssl_certificate\w*) (/etc/\S+);', lines):
        lines = lines.replace(place, str(tmp_path / name))
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
         '-nodes', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1',
         '-keyout', tmp_path / 'ssl_certificate_key', '-out', tmp_path / 'ssl_certificate'],
        check=True, capture_output=True)
    site = Nginx(machine, lines, 'tls')
    try:
        site.start()
        answer = requests.get(f'https://127.0.0.1:{site.tls_port}/api-description',
                              verify=str(tmp_path / 'ssl_certificate'), timeout=30)
        assert answer.json()['description']['schemes'] == ['https']
    finally:
        site.close()


def test_no_request_fails_when_an_instance_takes_over_behind_it(tmp_path):
    machine = Machine(tmp_path)
    unit = Unit(*machine.install_units('mxnet-model-server@.service'))
    services, site = [Service(unit, machine).wait_until_ready()], Nginx(machine)
    try:
        site.start()
        with Clients(site.url) as clients:
            clients.ask_some_more()
            services.append(Service(unit, machine).wait_until_ready())
            assert services[0].stop() == 0
            clients.ask_some_more()
        assert clients.failures == []
    finally:
        site.close()
        for service in services:
            service.close()


class Upstream(socketserver.ThreadingTCPServer):
    """Answers the first request of a connection, and closes it at the second one."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address):
        super().__init__(address, _Answer)
        self.connections = 0
        self.heads = []


class _Answer(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.connections += 1
        for first in (True, False):
            head = b''.join(iter(self._line, b'')).decode()
            if not head:
                return  # nginx has closed the connection.
            length = re.search(r'^Content-Length: (\d+)', head, re.M)
            self.rfile.read(int(length[1]) if length else 0)
            self.server.heads.append(head)
            if first:
                self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')

    def _line(self):
        """The next line of a head; nothing where it ends, or where nginx has left."""
        line = self.rfile.readline()
        return b'' if line == b'\r\n' else line


@pytest.fixture
def upstream(tmp_path):
    """Who listens where the server of a machine would, with an nginx in front."""
    machine = Machine(tmp_path)
    with Upstream(('127.0.0.1', machine.port)) as upstream:
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        site = Nginx(machine).start()
        upstream.url = site.url
        yield upstream
        site.close()
        upstream.shutdown()


def test_a_connection_is_kept_and_a_post_that_was_sent_on_it_is_not_sent_again(upstream):
    # nginx.start() asked once, and the connection was kept.
    answer = requests.post(f'{upstream.url}/flowers/predict', data={'data': '1'}, timeout=30)
    assert answer.status_code == 503
    assert upstream.connections == 1
    assert [head.split()[0] for head in upstream.heads] == ['GET', 'POST']


def test_a_get_is_sent_again(upstream):
    assert requests.get(f'{upstream.url}/ping', timeout=30).status_code == 200
    assert upstream.connections == 2
    assert [head.split()[0] for head in upstream.heads] == ['GET'] * 3


def test_the_server_is_told_who_asks_and_by_which_name(upstream):
    from_client('GET', f'{upstream.url}/ping', headers={'Host': 'models.example.com:81',
                                                       'traceparent': '00-1-2-01'})
    head = upstream.heads[-1]
    for line in (f'X-Forwarded-For: {CLIENT}', 'X-Forwarded-Proto: http', 'traceparent: 00-1-2-01',
                 'X-Forwarded-Host: models.example.com:81', 'Host: models.example.com'):
        assert f'{line}\r\n' in head
    assert not re.search('^Connection:', head, re.M)


def test_what_a_client_says_of_itself_stays_behind_what_nginx_saw(upstream):
    from_client('GET', f'{upstream.url}/ping', headers={'X-Forwarded-For': '192.0.2.7',
                                                       'X-Forwarded-Proto': 'https'})
    assert f'X-Forwarded-For: 192.0.2.7, {CLIENT}\r\n' in upstream.heads[-1]
    assert 'X-Forwarded-Proto: http\r\n' in upstream.heads[-1]

"""The command speaks TLS, and says in one line what it needs for it."""

import contextlib
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from certificates import Authority, make, write

from mms.client.management_address import read_address
from mms.client.management_client import ManagementClient, Unreachable
from mms.client.management_tls import TLSFlags
from mms.errors import UsageError


@pytest.fixture(scope='module')
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp('authority'))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"modelName": "a"}')

    def log_message(self, *words):
        pass


class Quiet(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass


@contextlib.contextmanager
def listening(files=None, client_ca=None):
    """A port, under TLS where it has a certificate; its number."""
    server = Quiet(('127.0.0.1', 0), Handler)
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        if client_ca:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def describe(address, **flags):
    with contextlib.closing(ManagementClient(read_address(address), None, TLSFlags(**flags))
                            ) as client:
        return client.describe('a')


def test_a_port_is_asked_whose_certificate_is_trusted(authority):
    with listening(authority.sign()) as port:
        assert describe(f'https://127.0.0.1:{port}', ca=authority.path) == {'modelName': 'a'}


def test_a_port_that_asks_for_a_certificate_is_shown_one(authority):
    client = authority.sign('client')
    both = authority.folder / 'both.pem'
    both.write_bytes(b''.join(open(name, 'rb').read() for name in client))  # noqa: SIM115
    with listening(authority.sign(), authority.path) as port:
        address = f'https://localhost:{port}'
        assert describe(address, ca=authority.path, cert=client.cert, key=client.key)
        assert describe(address, ca=authority.path, cert=str(both))
        with pytest.raises(Unreachable, match='give one with --cert FILE and --key FILE$'):
            describe(address, ca=authority.path)


def test_what_is_not_trusted_is_told_with_the_mend(authority):
    with listening(authority.sign()) as port:
        with pytest.raises(Unreachable, match='is not trusted .*: give the authority that has '
                                              'signed it with --ca FILE$'):
            describe(f'https://127.0.0.1:{port}')
        with pytest.raises(Unreachable, match='is that of another name: give the address by'):
            describe(f'https://127.0.0.2:{port}'.replace('127.0.0.2', '127.1'),
                     ca=authority.path)


def test_a_port_without_tls_is_told(authority):
    with listening() as port, pytest.raises(Unreachable, match='speaks no TLS: give its address '
                                                               'with http://'):
        describe(f'https://127.0.0.1:{port}', ca=authority.path)


@pytest.mark.parametrize(('flags', 'said'), [
    ({'ca': 'a'}, '--ca: only for TLS, which http://a:1 does without: give its address with https'),
    ({'cert': 'a', 'key': 'b'}, '--cert and --key: only for TLS')])
def test_who_means_tls_sends_nothing_without_it(flags, said):
    with pytest.raises(UsageError, match=said):
        describe('http://a:1', **flags)


@pytest.mark.parametrize(('flags', 'said'), [
    ({'ca': 'missing'}, "--ca 'missing' cannot be used (No such file or directory): give a PEM"),
    ({'ca': 'other.key'}, "--ca 'other.key' cannot be used ("),
    ({'cert': 'missing'}, "--cert 'missing' and its key cannot be used (No such file"),
    ({'cert': 'other.crt'}, "--cert 'other.crt' and its key cannot be used ("),
    ({'cert': 'other.crt', 'key': 'another.key'}, 'cannot be used (key values mismatch)'),
    ({'cert': 'other.crt', 'key': 'encrypted.key'}, 'the key of --cert is encrypted: write it'),
    ({'key': 'other.key'}, "--key 'other.key' is given without its certificate: give --cert FILE"),
])
def test_files_that_cannot_be_used_are_told(tmp_path, monkeypatch, flags, said):
    monkeypatch.chdir(tmp_path)
    other = make('other')
    write(tmp_path, 'other', other)
    write(tmp_path, 'another', make('another'))
    (tmp_path / 'encrypted.key').write_bytes(other.key_pem(b'secret'))
    with pytest.raises(UsageError) as raised:
        describe('https://127.0.0.1:1', **flags)
    assert said in str(raised.value)
    assert '\n' not in str(raised.value)

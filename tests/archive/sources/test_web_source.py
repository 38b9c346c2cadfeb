import contextlib
import gzip
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mms.archive.fetch import NO_MORE, fetch
from mms.archive.limits import DownloadLimits
from mms.archive.location import Location
from mms.archive.reader import open_model
from mms.archive.sources.download import safe_name
from mms.archive.sources.web import remote_path
from mms.errors import ArchiveError, FetchError

BODY = bytes(range(256)) * 5000
ROOT = Path(__file__).parents[3]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by path; `server.seen` counts the requests."""

    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get('Authorization')))
        with contextlib.suppress(ConnectionError):
            getattr(self, 'answer_' + self.path.split('/')[1])()

    def answer_good(self):
        self.send_body(BODY)

    def answer_flaky(self):
        self.send_error(503) if len(self.server.seen) < 3 else self.send_body(BODY)

    def answer_down(self):
        self.send_error(500)

    def answer_gone(self):
        self.send_error(404)

    def answer_teapot(self):
        self.send_error(418, "I'm a teapot")

    def answer_partial(self):
        self.send_response(206)
        self.end_headers()

    def answer_short(self):
        self.send_body(BODY[:1000], announced=len(BODY))

    def answer_healing(self):
        first = len(self.server.seen) == 1
        self.send_body(BODY[:1000] if first else BODY, announced=len(BODY))

    def answer_moved(self):
        self.send_response(302)
        self.send_header('Location', '/good/elsewhere')
        self.end_headers()

    def answer_loop(self):
        self.send_response(302)
        self.send_header('Location', self.path)
        self.end_headers()

    def answer_gzip(self):
        self.send_body(gzip.compress(BODY), encoding='gzip')

    def answer_unannounced(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(BODY)

    def answer_enormous(self):
        self.send_body(b'', announced=10**18)

    def answer_stalling(self):
        self.send_body(BODY[:1000], announced=len(BODY))
        self.server.stop.wait(30)

    def answer_archive(self):
        self.send_body(self.server.archive)

    def send_body(self, body, announced=None, encoding=None):
        self.send_response(200)
        self.send_header('Content-Length', str(len(body) if announced is None else announced))
        if encoding:
            self.send_header('Content-Encoding', encoding)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    httpd = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    httpd.seen, httpd.stop = [], threading.Event()
    httpd.url = f'http://127.0.0.1:{httpd.server_port}'
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield httpd
    httpd.stop.set()
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch):
    monkeypatch.setattr('mms.archive.sources.download.BACK_OFF_S', (0.0, 0.0, 0.0))
    for name in ('http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy',
                 'ALL_PROXY'):
        monkeypatch.delenv(name, raising=False)


def refusal(url, into, limits=NO_MORE):
    with pytest.raises(FetchError) as caught:
        fetch(Location.parse(url), into, limits=limits)
    message = str(caught.value)
    assert '\n' not in message
    assert 'hunter2' not in message
    assert os.listdir(into) == []
    return message


def test_http_is_downloaded(server, into):
    path = fetch(Location.parse(f'{server.url}/good/net.model?token=a/b'), into)
    assert path == os.path.join(into, 'net.model')
    assert Path(path).read_bytes() == BODY
    assert os.listdir(into) == ['net.model']


def test_the_folder_is_made(server, tmp_path):
    path = fetch(Location.parse(f'{server.url}/good/net.model'), str(tmp_path / 'new' / 'folder'))
    assert Path(path).read_bytes() == BODY


@pytest.mark.parametrize('kind', ['gzip', 'unannounced', 'moved'])
def test_other_ways_of_sending_a_body(server, into, kind):
    assert Path(fetch(Location.parse(f'{server.url}/{kind}/net.model'), into)).read_bytes() == BODY


def test_a_server_error_is_tried_again(server, into):
    assert Path(fetch(Location.parse(f'{server.url}/flaky/net.model'), into)).read_bytes() == BODY
    assert len(server.seen) == 3


def test_a_body_that_broke_off_is_tried_again(server, into):
    assert Path(fetch(Location.parse(f'{server.url}/healing/net.model'), into)).read_bytes() == BODY
    assert len(server.seen) == 2


def test_a_short_body_is_an_error_and_leaves_nothing(server, into):
    message = refusal(f'{server.url}/short/net.model', into)
    assert 'broke off' in message
    assert len(server.seen) == 4


def test_a_server_that_stays_down_is_an_error(server, into):
    message = refusal(f'{server.url}/down/net.model', into)
    assert 'the server answered 500' in message
    assert len(server.seen) == 4


@pytest.mark.parametrize(('kind', 'reason'), [
    ('gone', '404 (there is no such file)'), ('teapot', "418 (I'm a teapot)"),
    ('partial', '206 (Partial Content)'),
])
def test_other_statuses_are_errors_at_once(server, into, kind, reason):
    message = refusal(f'{server.url}/{kind}/net.model', into)
    assert message == f'{server.url}/{kind}/net.model: the server answered {reason}'
    assert len(server.seen) == 1


def test_credentials_are_used_and_not_shown(server, into):
    url = server.url.replace('://', '://user:hunter2@')
    assert refusal(f'{url}/gone/net.model?key=hunter2', into).startswith(server.url)
    assert server.seen[0][1].startswith('Basic ')


def test_an_endless_redirect_is_an_error(server, into):
    assert 'too many redirects' in refusal(f'{server.url}/loop/net.model', into)


def test_a_refused_connection_is_an_error(server, into):
    server.socket.close()
    assert 'connection was refused' in refusal(f'{server.url}/good/net.model', into)


def test_an_unknown_host_is_an_error(into):
    message = refusal('http://user:hunter2@no-such-host.invalid/net.model', into)
    assert 'http://no-such-host.invalid/net.model: the host name cannot be resolved' in message


def test_tls_with_a_server_that_does_not_speak_it_is_an_error(server, into):
    url = server.url.replace('http://', 'https://')
    assert 'the TLS connection failed: ' in refusal(f'{url}/good/net.model', into)


def test_a_stalled_download_times_out(server, into, monkeypatch):
    monkeypatch.setattr('mms.archive.sources.web.READ_TIMEOUT_S', 0.2)
    assert 'timed out' in refusal(f'{server.url}/stalling/net.model', into)


@pytest.mark.parametrize('url', ['http://', 'http://[::1/x', 'http://h:port/x', 'http:///x'])
def test_a_malformed_url_is_an_error(into, url):
    assert 'URL' in refusal(url, into)


def test_a_download_larger_than_the_disk_is_refused(server, into):
    message = refusal(f'{server.url}/enormous/net.model', into, DownloadLimits(10**19))
    assert 'the disk is full' in message
    assert len(server.seen) == 1


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='needs /dev/full')
def test_a_disk_that_fills_up_is_an_error(server, into):
    os.symlink('/dev/full', os.path.join(into, 'net.model.part'))
    assert 'No space left on device' in refusal(f'{server.url}/good/net.model', into)


def test_progress_is_shown_when_asked_for(server, into, capsys):
    fetch(Location.parse(f'{server.url}/good/net.model'), into)
    assert capsys.readouterr().err == ''
    fetch(Location.parse(f'{server.url}/good/net.model'), into, progress=True)
    assert 'net.model' in capsys.readouterr().err


def test_ctrl_c_leaves_nothing(server, into):
    script = ('from mms.archive.fetch import fetch\n'
              'from mms.archive.location import Location\n'
              f'fetch(Location.parse("{server.url}/stalling/x.model"), {into!r})')
    child = subprocess.Popen([sys.executable, '-c', script], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not os.listdir(into) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert os.listdir(into) == ['x.model.part']
        child.send_signal(signal.SIGINT)
        assert child.wait(30) != 0
    finally:
        child.kill()
        child.wait()
    assert os.listdir(into) == []


def test_an_archive_is_served_over_http_and_its_download_not_kept(
        server, make_zip, files, workspace):
    server.archive = Path(make_zip(files)).read_bytes()
    model = open_model('net', Location.parse(f'{server.url}/archive/net.model'), workspace)
    assert sorted(os.listdir(model.model_dir)) == sorted(files)
    (private,) = os.listdir(workspace)
    assert os.listdir(os.path.join(workspace, private)) == [os.path.basename(model.model_dir)]


def test_a_download_that_is_no_archive_is_named_by_its_url(server, workspace):
    url = server.url.replace('://', '://user:hunter2@')
    with pytest.raises(ArchiveError) as caught:
        open_model('net', Location.parse(f'{url}/good/net.model'), workspace)
    assert str(caught.value) == (
        f'{server.url}/good/net.model is not a model archive: it is not a zip file')
    assert os.listdir(workspace) == []


@pytest.mark.parametrize(('url', 'name'), [
    ('http://h/a/b.model?x=/c.model', 'b.model'),
    ('http://h/a%20b.model', 'a b.model'),
    ('http://h/', 'archive.model'),
    ('http://h', 'archive.model'),
    ('http://h/..', 'archive.model'),
    ('http://h/a%2F..%2F..%2Fx.model', 'x.model'),
    ('http://h/a%5C..%5Cx.model', 'x.model'),
    ('http://h/x%00.model', 'x.model'),
])
def test_a_download_has_the_file_name_of_its_url(url, name):
    assert safe_name(remote_path(Location.parse(url))) == name


def test_a_long_name_is_cut_to_what_a_file_system_takes():
    name = safe_name('/' + 'ä' * 500 + '.model')
    assert name.endswith('.model')
    assert len(name.encode()) <= 200

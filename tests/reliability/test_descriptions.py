"""Schemathesis asks a real server all that its descriptions allow, and what they do not."""

import json
import os
import re
import subprocess
import sys

import pytest
import requests
from effort import LONG
from harness import PICTURES, REPO, Server, until, write_archive

CHECKS = ['not_a_server_error', 'status_code_conformance', 'content_type_conformance',
          'response_headers_conformance', 'response_schema_conformance',
          'negative_data_rejection', 'unsupported_method', 'allow_header_conformance']
EXAMPLES = 200 if LONG else 3
# What nobody has asked for is ignored, as ever: fields that there are not, a limit of a list that
# is empty, and what a request to scale a model has for one to replace it.
LENIENT = re.compile(r"unexpected properties|parameter `limit` in query[\s\S]*[?&]limit=[&']"
                     r'|/properties/response_timeout[\s\S]*curl -X PUT')
TOKEN = 'a-token-of-the-test'
HOOKS = 'tests.reliability.schemathesis_hooks'


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    pytest.importorskip('schemathesis')
    folder = tmp_path_factory.mktemp('descriptions')
    store = folder / 'store'
    store.mkdir()
    models = [write_archive(store, 'picture', 'return ["a picture"]', signature=PICTURES),
              write_archive(store, 'tensor')]
    (folder / 'token').write_text(TOKEN)
    server = Server(folder, [
        '--models', f'picture={models[0]}', f'tensor={models[1]}', '--workers', '1',
        '--management-port', '0', '--management-token', str(folder / 'token'),
        '--model-store', str(store)])
    yield server.wait_until_up()
    server.stop()


def ask_all(server, document, url, *words):
    """What schemathesis prints, and whether it has found nothing."""
    path = server.folder / 'document.json'
    path.write_text(json.dumps(document))
    done = subprocess.run(
        [sys.executable, '-c', 'from schemathesis.cli import schemathesis; schemathesis()',
         '--no-color', 'run', str(path), '-u', url, '-c', ','.join(CHECKS),
         '--phases', 'coverage,fuzzing', '-n', str(EXAMPLES), '--seed', '1',
         '--generation-database', 'none', '--continue-on-failure', '--warnings', 'off', *words],
        capture_output=True, text=True, timeout=3600, check=False, cwd=server.folder,
        env={**os.environ, 'SCHEMATHESIS_HOOKS': HOOKS, 'PYTHONPATH': str(REPO)})
    return done.stdout + done.stderr, done.returncode == 0


def faults(said):
    """What was found, without what is so on purpose."""
    parts = re.split(r'^\d+\. Test Case ID: ', said, flags=re.MULTILINE)[1:]
    return [part for part in parts if not LENIENT.search(part)]


def test_the_server_answers_as_its_description_says(server):
    document = server.get('/api-description').json()['description']
    said, is_clean = ask_all(server, document, server.url)
    assert faults(said) == []
    assert is_clean or LENIENT.search(said), said
    assert re.search(r'Tested: +5', said), said
    assert 'Traceback' not in server.log


def test_the_management_port_answers_as_its_description_says(server):
    [port] = until(lambda: re.findall(r'anagement.*http://127\.0\.0\.1:(\d+)', server.log))
    url = f'http://127.0.0.1:{port}'
    given = {'Authorization': f'Bearer {TOKEN}'}
    document = requests.options(url, headers=given, timeout=20).json()
    said, is_clean = ask_all(server, document, url, '-H', f'Authorization: Bearer {TOKEN}')
    assert faults(said) == []
    assert is_clean or LENIENT.search(said), said
    assert re.search(r'Tested: +6', said), said
    assert 'Traceback' not in server.log

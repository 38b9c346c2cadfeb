"""Schemathesis asks a real server all that its descriptions allow, and what they do not."""

import json
import os
import re
import subprocess
import sys

import mxnet as mx
import pytest
import requests
from dense_model import SIGNATURE, dense_symbol, dense_weights
from effort import LONG
from harness import PICTURES, REPO, Server, until, write_archive

from mms.export_model import export_model

CHECKS = ['not_a_server_error', 'status_code_conformance', 'content_type_conformance',
          'response_headers_conformance', 'response_schema_conformance',
          'negative_data_rejection', 'unsupported_method', 'allow_header_conformance']
EXAMPLES = 200 if LONG else 3
# Fields that there are not are ignored, as ever: a request with some is as good as one without.
CONFIG = '[generation]\nallow-extra-parameters = false\n'
TOKEN = 'a-token-of-the-test'
HOOKS = 'tests.reliability.schemathesis_hooks'


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    pytest.importorskip('schemathesis')
    folder = tmp_path_factory.mktemp('descriptions')
    store = folder / 'store'
    store.mkdir()
    models = [write_archive(store, 'picture', 'return ["a picture"]', signature=PICTURES),
              write_archive(store, 'tensor'), write_dense(folder)]
    (folder / 'token').write_text(TOKEN)
    server = Server(folder, [
        '--models', f'picture={models[0]}', f'tensor={models[1]}', f'dense={models[2]}',
        '--workers', '1', '--management-port', '0', '--management-token', str(folder / 'token'),
        '--model-store', str(store)])
    yield server.wait_until_up()
    server.stop()


def write_dense(folder):
    """The archive of a real network, of two inputs."""
    (folder / 'dense').mkdir()
    dense_symbol().save(str(folder / 'dense' / 'dense-symbol.json'))
    mx.nd.save(str(folder / 'dense' / 'dense-0000.params'), dense_weights())
    (folder / 'dense' / 'signature.json').write_text(json.dumps(SIGNATURE))
    export_model('dense', str(folder / 'dense'), export_file=str(folder / 'dense.model'))
    return folder / 'dense.model'


def ask_all(server, document, url, *words):
    """What schemathesis prints, and whether it has found nothing."""
    path = server.folder / 'document.json'
    path.write_text(json.dumps(document))
    (server.folder / 'schemathesis.toml').write_text(CONFIG)
    done = subprocess.run(
        [sys.executable, '-c', 'from schemathesis.cli import schemathesis; schemathesis()',
         '--no-color', 'run', str(path), '-u', url, '-c', ','.join(CHECKS),
         '--phases', 'coverage,fuzzing', '-n', str(EXAMPLES), '--seed', '1',
         '--generation-database', 'none', '--continue-on-failure', '--warnings', 'off', *words],
        capture_output=True, text=True, timeout=3600, check=False, cwd=server.folder,
        env={**os.environ, 'SCHEMATHESIS_HOOKS': HOOKS, 'PYTHONPATH': str(REPO)})
    return done.stdout + done.stderr, done.returncode == 0


def without_ranges(document):
    """With nothing but the statuses that each operation names."""
    for methods in document['paths'].values():
        for operation in methods.values():
            for status in ('4XX', '5XX'):
                del operation['responses'][status]
    return document


def operations(document):
    return sum(len(methods) for methods in document['paths'].values())


def test_the_server_answers_as_its_description_says(server):
    document = without_ranges(server.get('/openapi.json').json())
    said, is_clean = ask_all(server, document, server.url)
    assert is_clean, said
    assert re.search(rf'Tested: +{operations(document)}\b', said), said
    assert 'Traceback' not in server.log


@pytest.mark.parametrize('model', ['tensor', 'dense'])
def test_each_example_of_a_request_is_answered(server, model):
    paths = server.get('/openapi.json').json()['paths']
    bodies = {path: paths[path]['post']['requestBody']['content']
              for path in (f'/{model}/predict', f'/predictions/{model}')}
    form = bodies[f'/{model}/predict']['multipart/form-data']['examples']['one']['value']
    plain = bodies[f'/predictions/{model}']['application/json']['examples']['one']['value']
    answers = [requests.post(f'{server.url}/{model}/predict', data=form, timeout=20),
               requests.post(f'{server.url}/predictions/{model}', json=plain, timeout=20)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()


def test_the_management_port_answers_as_its_description_says(server):
    [port] = until(lambda: re.findall(r'anagement.*http://127\.0\.0\.1:(\d+)', server.log))
    url = f'http://127.0.0.1:{port}'
    given = {'Authorization': f'Bearer {TOKEN}'}
    document = without_ranges(requests.get(f'{url}/openapi.json', headers=given, timeout=20).json())
    said, is_clean = ask_all(server, document, url, '-H', f'Authorization: Bearer {TOKEN}')
    assert is_clean, said
    assert re.search(rf'Tested: +{operations(document)}\b', said), said
    assert 'Traceback' not in server.log

"""``--reload``: a folder that somebody works on is served as it is, and anew when it changes."""

import json

import pytest
from harness import Server, until

SERVICE = '''
import json
import os

from mms.model_service.model_service import SingleNodeService


class Service(SingleNodeService):
    def __init__(self, name, folder, manifest, gpu=None):
        super().__init__(name, folder, manifest, gpu)
        with open(os.path.join(folder, 'signature.json')) as file:
            self.signature = json.load(file)
        with open(os.path.join(folder, 'factor.txt')) as file:
            self.factor = int(file.read())

    def _inference(self, data):
        return self.factor * data[0][0]
'''
TENSORS = {'inputs': [{'data_name': 'data', 'data_shape': [1]}], 'outputs': [],
           'input_type': 'application/json', 'output_type': 'application/json'}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('net')
    (folder / 'signature.json').write_text(json.dumps(TENSORS))
    (folder / 'service.py').write_text(SERVICE)
    (folder / 'factor.txt').write_text('2')
    return folder


@pytest.fixture(scope='module')
def server(folder, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp('server'),
                    ['--reload', '--workers', '1', '--models', f'net={folder}']).wait_until_up()
    yield server
    server.stop()


def answer(server, field='data'):
    reply = server.post('net', data={field: '[10]'})
    return reply.json()['prediction'] if reply.ok else reply.status_code


def test_a_folder_without_a_manifest_is_served_and_never_written_to(server, folder):
    assert answer(server) == 20
    assert sorted(path.name for path in folder.iterdir()) == [
        'factor.txt', 'service.py', 'signature.json']
    assert '--reload is for development: a folder is served as it is' in server.log


def test_an_edit_of_any_file_is_served_a_moment_later(server, folder):
    (folder / 'factor.txt').write_text('3')
    until(lambda: answer(server) == 30)
    (folder / 'service.py').write_text(SERVICE.replace('return ', 'return 1 + '))
    until(lambda: answer(server) == 31)
    (folder / 'signature.json').write_text(json.dumps(TENSORS).replace('"data"', '"number"'))
    until(lambda: answer(server, 'number') == 31)
    assert answer(server) == 400
    assert f'{folder} has changed: model net is loaded anew.' in server.log


def test_an_edit_that_breaks_it_leaves_the_old_one_also_where_a_worker_dies(server, folder):
    for name, text in (('signature.json', json.dumps(TENSORS)), ('service.py', SERVICE),
                       ('factor.txt', '4')):
        (folder / name).write_text(text)
    until(lambda: answer(server) == 40)
    (folder / 'service.py').write_text(SERVICE + 'return\n')
    until(lambda: 'Model net stays as it was.' in server.log)
    assert "SyntaxError: 'return' outside function" in server.log
    remark, = server.get('/health/ready').json()['remarks']
    assert remark.startswith(f'model net from {folder} cannot be served: ')
    assert remark.endswith("service.py:18: SyntaxError: 'return' outside function; model net "
                           'stays as it was')
    for process in [*server.workers(), *server.templates()]:
        process.kill()
    until(lambda: answer(server) == 40)
    (folder / 'service.py').write_text(SERVICE.replace('return ', 'return 2 + '))
    until(lambda: answer(server) == 42)
    until(lambda: 'remarks' not in server.get('/health/ready').json())


def test_without_it_the_start_says_what_to_do(launch, folder):
    server = launch('--models', f'net={folder}')
    assert server.wait() == 1
    assert server.stderr.strip().endswith(
        f'model net cannot be served: {folder} holds no MANIFEST.json: make an archive of the '
        'folder with mxnet-model-export, or give --reload to serve it as it is while you work on '
        'it')

"""SageMaker's contract with a container, played with the words of the Dockerfile for it."""

import json
import shlex
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import requests
from deploy_image import instructions
from deploy_machine import DEPLOY
from doc_pages import read
from harness import KITTEN, PICTURES, free_port, until, write_archive

SAID = {one.word: one.text for one in instructions(
    (DEPLOY / 'docker' / 'sagemaker.Dockerfile').read_text(encoding='utf-8'))}
# It gives a container half a minute to end.
STOP_S = 30


class Container:
    """What SageMaker runs as ``docker run IMAGE serve``."""

    def __init__(self, folder, port):
        variables = dict(pair.partition('=')[::2] for pair in shlex.split(SAID['ENV']))
        self.models = folder / 'ml'
        self._printed = folder / 'printed'
        self.url = f'http://127.0.0.1:{port}'
        # The package's command is beside this Python; the base image has the rest.
        path = f'{Path(sys.executable).parent}:/usr/bin:/bin'
        variables['MMS_MODELS'] = variables['MMS_MODELS'].replace('/opt/ml', str(self.models))
        with open(self._printed, 'wb') as printed:
            self.process = subprocess.Popen(
                [*json.loads(SAID['ENTRYPOINT']), 'serve'], cwd=folder, stdout=printed,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env={
                    **variables, 'PATH': path, 'HOME': str(folder), 'TMPDIR': str(folder),
                    'MMS_LOG_FILE': '-', 'MMS_HOST': '0.0.0.0',
                    'SAGEMAKER_BIND_TO_PORT': str(port)})

    @property
    def printed(self):
        return self._printed.read_text(encoding='utf-8')

    def ping(self):
        try:
            return requests.get(f'{self.url}/ping', timeout=30).status_code
        except requests.ConnectionError:
            return None

    def invoke(self, body, **headers):
        return requests.post(f'{self.url}/invocations', data=body, timeout=60, headers={
            name.replace('_', '-'): value for name, value in headers.items()})


@pytest.fixture(scope='module')
def container(tmp_path_factory):
    folder = tmp_path_factory.mktemp('sagemaker')
    archive = write_archive(folder, 'flowers', 'return [len(each) for each in data]', PICTURES)
    with zipfile.ZipFile(archive) as model:
        model.extractall(folder / 'ml' / 'model')
    container = Container(folder, free_port())
    until(lambda: container.ping() or container.process.poll() is not None, 60)
    yield container
    if container.process.poll() is None:
        container.process.kill()
        container.process.wait()


def test_it_listens_where_it_is_told_and_is_well(container):
    assert container.ping() == 200, container.printed
    assert 'accept-bind-to-port=true' in SAID['LABEL']


def test_an_invocation_has_the_media_type_of_its_body(container):
    picture = KITTEN.read_bytes()
    expected = {'prediction': [len(picture)]}
    for kind in ('image/jpeg', 'application/x-image', 'application/octet-stream'):
        answer = container.invoke(picture, Content_Type=kind, Accept='application/json',
                                  X_Amzn_SageMaker_Custom_Attributes='trace=1')
        assert (answer.status_code, answer.json()) == (200, expected)
        assert answer.headers['Content-Type'] == 'application/json'
    refused = container.invoke(b'1,2', Content_Type='text/csv')
    assert refused.status_code == 400
    assert 'its Content-Type is text/csv' in refused.json()['message']


def test_the_target_of_an_invocation_is_the_model(container):
    picture = KITTEN.read_bytes()
    for target, status in (('model', 200), ('model.tar.gz', 200), ('other.tar.gz', 404)):
        assert container.invoke(picture, Content_Type='image/jpeg',
                                X_Amzn_SageMaker_Target_Model=target).status_code == status


def test_it_ends_when_it_is_told(container):
    container.process.send_signal(signal.SIGTERM)
    assert container.process.wait(STOP_S) == 0


def test_the_page_says_what_the_file_does():
    page = read('docs/deploy_docker.md')
    for word in ('sagemaker.Dockerfile', 'SAGEMAKER_BIND_TO_PORT', 'MMS_MODELS=model=/opt/ml/model',
                 'serve'):
        assert word in page

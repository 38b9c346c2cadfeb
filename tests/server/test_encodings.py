"""Servers and the exporter where the environment speaks another encoding than UTF-8."""

import os
import subprocess
import sys
from urllib.parse import quote
from zipfile import ZipFile

import pytest
import requests
from harness import REPO, until, write_archive

# What keeps a Python from UTF-8, and from the changes that it would make by itself.
ASCII = {'LANG': 'C', 'LC_ALL': 'POSIX', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'}
ENVIRONMENTS = {'latin-1': {**ASCII, 'PYTHONIOENCODING': 'latin-1'},
                'ascii': {**ASCII, 'PYTHONIOENCODING': 'ascii:strict'},
                'streams': {'LC_ALL': 'C.UTF-8', 'PYTHONIOENCODING': 'latin-1'}}

# It prints, reads a file without a word about its encoding, and starts a Python that prints.
SOURCE = '''
import json
import logging
import subprocess
import sys

from mms.model_service.model_service import SingleNodeService

print('geladen: größe')


class Service(SingleNodeService):
    def __init__(self, model_name, model_dir, manifest, gpu=None):
        with open(model_dir + '/wörter.txt') as file:
            self.words = file.read()
        with open(model_dir + '/signature.json') as file:
            self.signature = json.load(file)

    signature = None

    def ping(self):
        return 'fine'

    def _inference(self, data):
        print('你好', '\\udcff')
        sys.stderr.write('猫\\n')
        logging.info('größe')
        helper = subprocess.run([sys.executable, '-c', 'print("犬")'], stdout=subprocess.PIPE)
        return [self.words, helper.stdout.decode('utf-8')]
'''


@pytest.fixture
def archive(tmp_path):
    folder = tmp_path / 'größe'
    folder.mkdir()
    return write_archive(folder, '模型', source=SOURCE, files={'wörter.txt': 'größe 你'})


@pytest.mark.parametrize('environment', ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_names_files_and_what_is_printed_are_utf8_in_any_environment(serve, archive, environment):
    server = serve('--models', f'你好={archive}', env=environment)
    assert '\n  你好\n' in server.stdout
    answer = server.post_text('你好', '[1]')
    assert answer.json() == {'prediction': ['größe 你', '犬\n']}
    paths = server.get('/api-description').json()['description']['paths']
    assert f'/{quote("你好")}/predict' in paths
    for line in ('output:你好:0 geladen: größe', 'output:你好:0 你好 \\udcff', 'output:你好:0 猫',
                 'POST /你好/predict 200', ' größe\n'):
        until(lambda line=line: line in server.log and line in server.stderr)


def test_a_name_that_is_no_utf8_is_refused_in_a_line(launch, archive):
    server = launch('--models', os.fsdecode(b'n\xff=') + archive, env=ASCII)
    assert server.wait() == 2
    assert 'Traceback' not in server.stderr


@pytest.mark.parametrize('environment', ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_the_exporter_packs_and_shows_any_name_in_any_environment(tmp_path, archive, environment):
    def run(*words):
        return subprocess.run([sys.executable, '-m', 'mms.export_model', *words], cwd=tmp_path,
                              env={**os.environ, 'PYTHONPATH': str(REPO), **environment},
                              capture_output=True, encoding='utf-8')

    model = tmp_path / '目录'
    model.mkdir()
    (model / 'signature.json').write_bytes(read_member(archive, 'signature.json'))
    (model / 'wörter.txt').write_text('größe', encoding='utf-8')
    (model / 'dienst_ü.py').write_text(SOURCE, encoding='utf-8')
    made = run('--model-name', '网络', '--model-path', str(model), '--service-file-path',
               'dienst_ü.py', '--model-type', 'imperative')
    assert (made.returncode, '网络.model holds model 网络' in made.stderr) == (0, True), made.stderr
    shown = run('--inspect', '网络.model')
    assert shown.returncode == 0
    assert 'wörter.txt' in shown.stdout
    assert 'dienst_ü.py' in shown.stdout
    checked = run('--check', '网络.model')
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert 'is answered by ["gr\\u00f6\\u00dfe","\\u72ac\\n"]' in checked.stdout


def read_member(archive, name):
    with ZipFile(archive) as opened:
        return opened.read(name)


def test_csv_files_of_metrics_are_written_in_any_environment(serve, archive):
    server = serve('--models', f'你好={archive}', '--metrics-write-to', 'csv',
                   env=ENVIRONMENTS['ascii'])
    assert requests.get(server.url + '/ping', timeout=60).status_code == 200
    assert server.post_text('你好', '[1]').status_code == 200
    assert server.stop() == 0
    names = os.listdir(server.folder / 'metrics')
    assert 'mms_PingTotal.csv' in names

"""Service files that raise what is no :class:`Exception`: a line that says where, no traceback."""

import json
import os
import signal
import time

import launcher
import pytest
from harness import TENSORS, write_archive

SOURCE = '''import os, sys, time
from mms.model_service.model_service import SingleNodeService
class Odd(BaseException): pass
class Mute(Exception):
    def __str__(self): raise ValueError
def go(word):
    raise {'ctrl-c': KeyboardInterrupt, 'exit': SystemExit(3), 'close': GeneratorExit,
           'odd': Odd('so'), 'mute': Mute(), 'deep': RecursionError('too deep'),
           'full': MemoryError}[word]
%(at_import)s
class Service(SingleNodeService):
    signature = {'inputs': [{'data_name': 'data', 'data_shape': [0]}], 'outputs': [],
                 'input_type': 'application/json', 'output_type': 'application/json'}
    def __init__(self, *args, **kwargs):
        %(at_first)s
    def ping(self):
        return 'fine'
    def _inference(self, data):
        return go(data[0][0]) if data[0][0] in ('ctrl-c', 'exit', 'close', 'odd', 'mute',
                                                'deep', 'full') else [os.getpid()]
'''
ENDS = {'ctrl-c': 'KeyboardInterrupt', 'exit': 'SystemExit: 3', 'close': 'GeneratorExit',
        'odd': 'Odd: so', 'mute': 'Mute', 'deep': 'RecursionError: too deep',
        'full': 'MemoryError'}


def source(at_import='', at_first='pass'):
    return SOURCE % {'at_import': at_import, 'at_first': at_first}


def export(folder, *words):
    return launcher.start('mms.export_model', words, folder, text=True)


def model_folder(tmp_path, text):
    folder = tmp_path / 'model'
    folder.mkdir()
    (folder / 'signature.json').write_text(json.dumps(TENSORS))
    (folder / 'service.py').write_text(text)
    return ['--model-name', 'm', '--model-path', str(folder), '--service-file-path',
            str(folder / 'service.py'), '--model-type', 'imperative']


@pytest.mark.parametrize('word', ENDS)
@pytest.mark.parametrize('where', ['at_import', 'at_first'])
def test_a_server_does_not_start_and_says_which_line_ends_it(launch, tmp_path, where, word):
    archive = write_archive(tmp_path, 'm', source=source(**{where: f'go({word!r})'}))
    server = launch('--models', f'm={archive}')
    assert server.wait(60) == 1
    [line] = server.stderr.splitlines()
    reason = {'at_import': 'the service file cannot be loaded: service.py:7: ',
              'at_first': 'service.py:7: Service cannot be constructed: '}[where]
    assert line == (f'mxnet-model-server: model m from {archive} cannot be served: '
                    f'{reason}{ENDS[word]}')
    assert os.listdir(server.temporary) == []


def test_a_hook_that_raises_it_costs_its_request_alone(serve, tmp_path):
    archive = write_archive(tmp_path, 'm', source=source())
    server = serve('--models', f'm={archive}', '--workers', 1)
    [before] = server.post_text('m', '["who"]').json()['prediction']
    for word in ENDS:
        answer = server.post_text('m', json.dumps([word]))
        assert (answer.status_code, answer.json()['message']) == (
            500, 'Error occurs while inference was executed on server.')
    assert server.post_text('m', '["who"]').json()['prediction'] == [before]
    assert server.get('/ping').status_code == 200


def test_the_check_says_which_line_ends_it(tmp_path):
    for number, word in enumerate(['ctrl-c', 'odd']):
        archive = write_archive(tmp_path, f'm{number}', source=source(at_first=f'go({word!r})'))
        child = export(tmp_path, '--check', archive)
        out, err = child.communicate(timeout=60)
        assert child.returncode == 1
        assert 'Traceback' not in out + err
        assert out.splitlines()[-1].endswith(
            f'service.py:7: Service cannot be constructed: {ENDS[word]}')


@pytest.mark.parametrize('word', ['ctrl-c', 'close', 'odd', 'mute'])
def test_the_export_says_which_line_ends_it(tmp_path, word):
    words = model_folder(tmp_path, source(at_import=f'go({word!r})'))
    child = export(tmp_path, *words)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (1, '')
    assert err == (f'mxnet-model-export: the service file cannot be loaded: {tmp_path}/model/'
                   f'service.py:7: {ENDS[word]}\n')
    assert os.listdir(tmp_path) == ['model']


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_export_while_the_service_file_runs(tmp_path, number):
    here = tmp_path / 'here'
    words = model_folder(tmp_path, source(at_import=f'open({str(here)!r}, "w"); time.sleep(60)'))
    child = export(tmp_path, *words)
    while not here.exists():
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(number)
    _, err = child.communicate(timeout=30)
    assert (child.returncode, err) == (
        130, 'mxnet-model-export: interrupted, nothing was written\n')

"""The command and a server that serves models."""

import contextlib
import json
import re
import signal
import sys

import launcher
import pytest
from harness import Server, until, write_archive

COMMAND = (sys.executable, '-m', 'mms', 'models')
# A service that is loaded when a file is there.
WAITING = '''
import os, time
while not os.path.exists({file!r}):
    time.sleep(0.02)
from mms.model_service.model_service import SingleNodeService


class Service(SingleNodeService):
    signature = {{'inputs': [{{'data_name': 'data', 'data_shape': [0, 1]}}], 'outputs': [],
                 'input_type': 'application/json', 'output_type': 'application/json'}}

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        pass

    def _inference(self, data):
        return data
'''


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('models')


@pytest.fixture(scope='module')
def server(folder):
    archive = write_archive(folder, 'first', 'return ["one"]')
    started = Server(folder / 'server', ['--models', f'first={archive}', '--workers', '1',
                                         '--management-port', '0'])
    try:
        started.wait_until_up()
        until(lambda: 'Management at ' in started.stdout)
        yield started
    finally:
        started.stop()


@pytest.fixture
def start(server, folder):
    """Start the command, in the folder of the archives, as the user of the server."""
    url = re.search(r'Management at (http://\S+)', server.stdout)[1]

    def start(*words):
        # Where the server leaves its token depends on these.
        environment = {**launcher.environment(), 'MMS_MANAGEMENT': url,
                       'TMPDIR': str(server.temporary)}
        return launcher.start('mms', ['models', *words], folder, environment, text=True)

    return start


@pytest.fixture
def run(start):
    """Run the command: its status and what it printed, on standard error where that is all."""
    def run(*words):
        process = start(*words)
        printed, told = process.communicate(timeout=120)
        return process.returncode, printed or told

    return run


def found(run, *words):
    """The JSON that the command prints where it can do its work."""
    status, printed = run(*words)
    assert status == 0, printed
    return json.loads(printed)


@contextlib.contextmanager
def slow_archive(folder, name):
    """An archive that is loaded no sooner than the file that this yields is there."""
    file = folder / f'{name}.may-load'
    write_archive(folder, name, source=WAITING.format(file=str(file)))
    try:
        yield file
    finally:
        file.touch()


def answer(server, name):
    return server.post_text(name, '[[1]]').json().get('prediction')


def test_a_model_is_loaded_replaced_scaled_and_unloaded(server, folder, run):
    write_archive(folder, 'two', 'return ["two"]')
    write_archive(folder, 'three', 'return ["three"]')
    assert found(run, 'load', 'two.model', '--name', 'number')['status']
    assert answer(server, 'number') == ['two']
    assert found(run, 'replace', 'number', './three.model')['status']
    assert answer(server, 'number') == ['three']
    found(run, 'scale', 'number', '2')
    described = found(run, 'describe', 'number')
    assert (described['minWorkers'], len(described['workers'])) == (2, 2)
    assert described['modelUrl'] == str(folder / 'three.model')
    assert [model['modelName'] for model in found(run, 'list')] == ['first', 'number']
    found(run, 'unload', 'number')
    assert [model['modelName'] for model in found(run, 'list')] == ['first']
    assert run('unload', 'number') == (
        1, 'mxnet-model-server models: Model not found: number\n')


def test_options_of_a_model_are_its_own(folder, run):
    write_archive(folder, 'own')
    found(run, 'load', 'own.model', '--workers', '2', '--max-workers', '3', '--batch-size', '4',
          '--max-batch-delay', '2.5', '--request-timeout', '30')
    described = found(run, 'describe', 'own')
    assert {name: described[name] for name in
            ('minWorkers', 'maxWorkers', 'maxBatchDelay', 'responseTimeout')} == {
        'minWorkers': 2, 'maxWorkers': 3, 'maxBatchDelay': 2.5, 'responseTimeout': 30}
    found(run, 'unload', 'own')


def test_an_archive_that_cannot_be_served_leaves_the_old_one_and_the_list_says_why(
        server, folder, run):
    write_archive(folder, 'broken', source='raise ValueError("out of flour")')
    status, told = run('replace', 'first', 'broken.model')
    assert status == 1
    [line] = told.splitlines()
    assert line.startswith('mxnet-model-server models: ')
    assert 'service.py:1: ValueError: out of flour' in line
    assert answer(server, 'first') == ['one']
    status, table = run('list', '--output', 'table')
    assert status == 0
    assert re.search(r'^first +ready +1 ', table, re.M)
    assert re.search(r'^first: .*out of flour', table, re.M)


def test_a_name_that_is_taken_is_told(run):
    assert run('load', 'first.model') == (
        1, 'mxnet-model-server models: Model first is already registered.\n')


def test_a_file_that_is_not_there_is_told(run):
    status, told = run('load', 'nowhere.model')
    assert status == 1
    assert 'nowhere.model' in told
    assert len(told.splitlines()) == 1


def test_who_does_not_wait_sees_it_loading_and_then_ready(server, folder, run):
    with slow_archive(folder, 'later') as may_load:
        assert found(run, 'load', 'later.model', '--name', 'later', '--no-wait') == {
            'status': 'Processing worker updates...'}
        assert found(run, 'describe', 'later')['status'] == 'loading'
        may_load.touch()
        until(lambda: found(run, 'describe', 'later')['status'] == 'ready', 60)
    assert server.post_text('later', '[[1]]').status_code == 200
    found(run, 'unload', 'later')


def test_ctrl_c_ends_the_waiting_and_not_the_loading(folder, start, run):
    with slow_archive(folder, 'patient') as may_load:
        waiting = start('load', 'patient.model', '--name', 'patient')
        until(lambda: 'patient' in [model['modelName'] for model in found(run, 'list')], 60)
        waiting.send_signal(signal.SIGINT)
        printed, told = waiting.communicate(timeout=60)
        assert (waiting.returncode, printed) == (130, '')
        assert told.endswith('interrupted; the server goes on with what it was asked for\n')
        may_load.touch()
        until(lambda: found(run, 'describe', 'patient')['status'] == 'ready', 60)
    found(run, 'unload', 'patient')


def test_a_wrong_token_and_none_are_told(folder, run):
    (folder / 'wrong').write_text('wrong\n')
    assert run('list', '--token', 'wrong')[1].endswith(' does not take the token of wrong\n')
    status, told = run('list', '--token', 'none')
    assert (status, 'asks for a token' in told) == (1, True)


def test_the_port_for_requests_is_told_from_that_for_the_management(server, run):
    status, told = run('list', '--management', server.url)
    assert status == 1
    assert f'{server.url} is no management port' in told

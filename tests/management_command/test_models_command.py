"""The command as a whole, in a process of its own, before a port that answers what it is told."""

import argparse
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading

import launcher
import pytest
from harness import REPO, write_archive
from management_port import answering

from mms.config.precedence import fill
from mms.config.settings import OPTIONS
from mms.runtime.token_file import write_token

COMMAND = (sys.executable, '-m', 'mms', 'models')
READY = {'modelName': 'flowers', 'modelUrl': '/models/flowers.model', 'status': 'ready',
         'minWorkers': 1, 'maxWorkers': 1, 'workers': [{'id': '1', 'status': 'READY'}]}
LISTED = {'models': [{'modelName': 'flowers', 'modelUrl': '/models/flowers.model'}]}
NOT_FOUND = {'code': 404, 'type': 'ModelNotFoundException', 'message': 'Model not found: x'}


@pytest.fixture
def environment(tmp_path):
    """Of a person with a folder and tokens of their own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith('MMS_')}
    return {**kept, 'PYTHONPATH': str(REPO), 'PYTHONDONTWRITEBYTECODE': '1',
            'XDG_RUNTIME_DIR': str(tmp_path)}


@pytest.fixture
def run(tmp_path, environment):
    """Run the command before a port; its status, and what it printed."""

    def run(*words, env=()):
        return launcher.run('mms', 'models', *words, cwd=tmp_path, text=True,
                            env={**environment, **dict(env)})

    return run


def in_terminal(words, environment, columns=60):
    """Status of the command on a terminal so wide, and what is printed there."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    with os.fdopen(parent, 'rb', buffering=0) as screen:
        process = subprocess.Popen([*COMMAND, *words], env=environment, stdin=child, stdout=child,
                                   stderr=child, start_new_session=True)
        os.close(child)
        printed = b''
        while True:
            try:
                printed += screen.read(4096)
            except OSError:
                break
        return process.wait(30), printed.decode().replace('\r\n', '\n')


def failure_of(done):
    """The one line that a person reads of a command that could not do its work."""
    assert (done.returncode, done.stdout) == (1, '')
    [line] = done.stderr.splitlines()
    prefix = 'mxnet-model-server models: '
    assert line.startswith(prefix)
    return line[len(prefix):]


def test_in_a_pipe_the_list_is_json_of_all_that_is_known(run):
    with answering((200, LISTED), (200, READY)) as port:
        done = run('list', '--management', port.url)
    assert (done.returncode, done.stderr) == (0, '')
    assert json.loads(done.stdout) == [READY]
    assert [asked.line for asked in port.asked] == ['GET /models?limit=100', 'GET /models/flowers']


def test_on_a_terminal_the_list_is_a_table_that_fits(environment):
    long = {**READY, 'modelUrl': '/a/folder/with/a/long/name/flowers.model'}
    with answering((200, LISTED), (200, long)) as port:
        status, printed = in_terminal(['list', '--management', port.url], environment, columns=50)
    assert (status, printed) == (0, (
        'MODEL    STATUS  WORKERS  LOCATION\n'
        'flowers  ready         1  /a/fold…me/flowers.model\n'))


def test_a_table_in_a_pipe_is_as_wide_as_it_has_to_be(run):
    long = {**READY, 'modelUrl': '/long' * 40}
    with answering((200, LISTED), (200, long)) as port:
        done = run('list', '--management', port.url, '--output', 'table')
    assert '/long' * 40 in done.stdout


def test_json_on_a_terminal_is_for_who_asks_for_it(environment):
    with answering((200, READY)) as port:
        status, printed = in_terminal(
            ['describe', 'flowers', '--output', 'json', '--management', port.url], environment)
    assert (status, json.loads(printed)) == (0, READY)


def test_a_model_that_goes_while_it_is_listed_is_left_out(run):
    with answering((200, LISTED), (404, NOT_FOUND)) as port:
        assert json.loads(run('list', '--management', port.url).stdout) == []


def test_without_models_the_table_is_a_sentence(environment):
    with answering((200, {'models': []})) as port:
        assert in_terminal(['list', '--management', port.url], environment) == (
            0, 'no models are served\n')


def test_json_stays_json_whatever_is_in_it(run):
    strange = {'modelName': 'a\x1b[31m\x7f\u200b\u202eü\n'}
    with answering((200, strange)) as port:
        done = run('describe', 'a', '--management', port.url)
    assert json.loads(done.stdout) == strange
    assert done.stdout.isascii()


def test_what_lasts_is_shown_while_it_does_on_a_terminal(environment):
    with answering((200, {'status': 'Workers scaled'})) as port:
        answer, is_slow = port.finish_request, threading.Event()
        port.finish_request = lambda *words: (is_slow.wait(1), answer(*words))
        status, printed = in_terminal(
            ['load', 'flowers.model', '--name', 'flowers', '--management', port.url], environment)
    assert status == 0
    assert 'Loading flowers: 00:00' in printed
    assert printed.splitlines()[-1].startswith('flowers is loaded (')


def test_in_a_pipe_nothing_but_the_answer_is_printed(run):
    with answering((200, {'status': 'Workers scaled'})) as port:
        done = run('load', 'flowers.model', '--management', port.url)
    assert (done.returncode, done.stderr) == (0, '')
    assert json.loads(done.stdout) == {'status': 'Workers scaled'}


def test_who_does_not_wait_is_told_what_the_server_says(run):
    with answering((202, {'status': 'Processing worker updates...'})) as port:
        done = run('scale', 'flowers', '3', '--no-wait', '--output', 'table',
                   '--management', port.url)
        assert port.asked[0].line == 'PUT /models/flowers?min_worker=3&synchronous=false'
    assert (done.returncode, done.stdout) == (0, 'Processing worker updates...\n')


def test_a_file_here_is_named_by_its_whole_path_and_anything_else_as_it_is(run, tmp_path):
    (tmp_path / 'here.model').touch()
    with answering((200, {'status': ''})) as port:
        for location in ('here.model', 'in_store.model', './nothing.model', 's3://b/a.model'):
            run('replace', 'flowers', location, '--management', port.url)
        sent = [json.loads(asked.body)['url'] for asked in port.asked]
    assert sent == [str(tmp_path / 'here.model'), 'in_store.model',
                    str(tmp_path / 'nothing.model'), 's3://b/a.model']


def test_options_of_a_model_go_along_where_they_are_given(run):
    with answering((200, {'status': ''})) as port:
        run('load', 'a', '--management', port.url, '--workers', '2', '--batch-size', '8',
            '--max-batch-delay', '2.5', '--request-timeout', '30')
    assert json.loads(port.asked[0].body) == {
        'url': 'a', 'synchronous': 'true', 'initial_workers': 2, 'batch_size': 8,
        'max_batch_delay': 2.5, 'response_timeout': 30}


def test_the_address_and_the_token_may_be_variables(run, tmp_path):
    (tmp_path / 'token').write_text('secret\n')
    with answering((200, READY)) as port:
        done = run('describe', 'flowers', env={'MMS_MANAGEMENT': port.url,
                                               'MMS_MANAGEMENT_TOKEN': 'token'})
    assert done.returncode == 0, done.stderr
    assert port.asked[0].headers['Authorization'] == 'Bearer secret'


def test_a_token_that_a_server_has_left_here_is_found(run, tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_RUNTIME_DIR', str(tmp_path))
    with answering((200, READY)) as port:
        write_token(port.server_address[1], 'left')
        run('describe', 'flowers', '--management', port.url)
        run('describe', 'flowers', '--management', port.url, '--token', 'none')
    assert [asked.headers.get('Authorization') for asked in port.asked] == ['Bearer left', None]


def test_a_refusal_is_one_line_in_the_words_of_the_server(run):
    with answering((404, NOT_FOUND)) as port:
        for words in (['describe', 'x'], ['scale', 'x', '1'], ['unload', 'x'],
                      ['replace', 'x', 'x.model']):
            assert failure_of(run(*words, '--management', port.url)) == 'Model not found: x'


def test_the_verbs_are_told_where_there_is_none(run):
    told = run().stderr
    assert 'VERB: list, describe, load, replace, scale, unload\n' in told
    assert told.endswith('the following arguments are required: VERB\n')


def test_a_token_that_is_missing_or_wrong_is_told(run, tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_RUNTIME_DIR', str(tmp_path))
    (tmp_path / 'token').write_text('wrong')
    with answering((401, {'code': 401, 'type': 'UnauthorizedException', 'message': 'no'})) as port:
        words = ['list', '--management', port.url]
        missing = failure_of(run(*words))
        wrong = failure_of(run(*words, '--token', 'token'))
        write_token(port.server_address[1], 'old')
        left = failure_of(run(*words))
    assert missing.endswith('asks for a token: give its file with --token FILE or '
                            'MMS_MANAGEMENT_TOKEN')
    assert wrong.endswith(' does not take the token of token')
    assert 'does not take the token that a server has left here' in left


@pytest.mark.parametrize(('words', 'told'), [
    (['list', '--management', 'nonsense://x'], 'is no address of a management port'),
    (['list', '--token', 'missing'], 'cannot be read: No such file or directory'),
    (['list', '--management', 'http://127.0.0.1:1'], 'no server listens at'),
])
def test_what_cannot_be_used_is_one_line(run, words, told):
    assert told in failure_of(run(*words))


@pytest.mark.parametrize('words', [
    [], ['lst'], ['describe'], ['load'], ['scale', 'x'], ['scale', 'x', '-1'], ['scale', 'x', 'a'],
    ['list', 'x'], ['load', 'x', '--batch-size', '0'], ['load', 'x', '--max-batch-delay', 'nan'],
    ['list', '--output', 'xml'], ['list', '--man', 'x']])
def test_wrong_words_are_status_2(run, words):
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr.startswith('usage: mxnet-model-server models')


def test_ctrl_c_says_in_a_line_that_the_server_goes_on(tmp_path, environment):
    with answering((200, {})) as port:
        is_over = threading.Event()
        port.finish_request = lambda *words: is_over.wait(60)
        came = threading.Event()
        verify = port.verify_request
        port.verify_request = lambda *words: came.set() or verify(*words)
        process = subprocess.Popen([*COMMAND, 'load', 'x', '--management', port.url],
                                   env=environment, cwd=tmp_path, stderr=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        assert came.wait(30)
        process.send_signal(signal.SIGINT)
        printed, told = process.communicate(timeout=30)
        is_over.set()
    assert (process.returncode, printed) == (130, '')
    assert told == ('mxnet-model-server models: interrupted; the server goes on with what it was '
                    'asked for\n')


def test_a_reader_who_has_had_enough_is_no_error(environment):
    with answering((200, {**READY, 'reason': 'x' * 10**6})) as port:
        process = subprocess.Popen([*COMMAND, 'describe', 'flowers', '--management', port.url],
                                   env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b''
        process.stderr.close()
        assert process.wait(30) == 0


def test_the_command_imports_nothing_of_a_server():
    code = ('import sys, mms.management_command.command; print(*(name for name in sys.modules '
            'if name.partition(".")[0] in {heavy}))').format(heavy={
                'gevent', 'mxnet', 'numpy', 'requests', 'tqdm', 'flask', 'psutil', 'logging',
                'asyncio', 'multiprocessing'})
    done = subprocess.run([sys.executable, '-c', code], cwd=REPO, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, '\n'), done.stderr


def test_a_model_may_be_called_as_the_command_is(launch, tmp_path):
    server = launch('--models', f"models={write_archive(tmp_path, 'models')}").wait_until_up()
    assert server.post_text('models', '[[1]]').status_code == 200


def test_the_help_of_the_server_names_the_command():
    done = subprocess.run([sys.executable, '-m', 'mms', '--help'], cwd=REPO, capture_output=True,
                          text=True, timeout=60)
    assert 'mxnet-model-server models --help' in ' '.join(done.stdout.split())


def test_the_variable_of_the_command_is_no_misspelt_one_of_the_server():
    args = argparse.Namespace()
    fill(args, OPTIONS.values(), {'MMS_MANAGEMENT': '127.0.0.1:8081'})
    assert args.advice == []

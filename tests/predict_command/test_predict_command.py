"""The command as a whole, in a process of its own, before a server and before one in trouble."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios

import launcher
import pytest
from harness import KITTEN, PICTURES, REPO, TENSORS, Server, until, write_archive
from prediction_port import ANSWERED, hanging, predicting

MODULE = 'mms.predict_command.command'
LIKELY = 'return [[{"class": "cat", "probability": 0.75}, {"class": "dog", "probability": 0.25}]]'
TWO = {**TENSORS, 'inputs': [{'data_name': 'left', 'data_shape': [0, 2]},
                             {'data_name': 'right', 'data_shape': [0, 2]}]}
TOKEN = 'predict-' * 4


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp('predicting')
    (folder / 'tokens').touch(0o600)
    (folder / 'tokens').write_text(f'{"m" * 32} manage\n{TOKEN} predict\n')
    server = Server(folder, [
        '--workers', '1', '--auth-token-file', str(folder / 'tokens'), '--models',
        f"pets={write_archive(folder, 'pets', LIKELY, PICTURES)}",
        f"two={write_archive(folder, 'two', 'return data', TWO)}"])
    server.tokens = str(folder / 'tokens')
    yield server.wait_until_up()
    server.stop()


@pytest.fixture
def environment(tmp_path, server):
    kept = {name: value for name, value in launcher.environment().items()
            if not name.startswith(('MMS_', 'NO_COLOR'))}
    return {**kept, 'MMS_SERVER': server.url, 'MMS_SERVER_TOKEN': server.tokens, 'TERM': 'xterm'}


@pytest.fixture
def run(tmp_path, environment):
    """Run the command in a folder with pictures; its status, and what it printed."""
    (tmp_path / 'pictures').mkdir()
    for number in range(3):
        (tmp_path / 'pictures' / f'{number}.jpg').write_bytes(KITTEN.read_bytes())

    def run(*words, env=()):
        return launcher.run(MODULE, *words, cwd=tmp_path, text=True,
                            env={**environment, **dict(env)})

    return run


def lines_of(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_in_a_pipe_there_is_a_line_of_json_for_each_picture(run):
    done = run('pets', 'pictures', KITTEN)
    assert (done.returncode, done.stderr) == (0, '')
    told = lines_of(done)
    assert [line['input'] for line in told] == [
        *(f'pictures/{number}.jpg' for number in range(3)), str(KITTEN)]
    assert told[0]['prediction'] == [[{'class': 'cat', 'probability': 0.75},
                                      {'class': 'dog', 'probability': 0.25}]]


def test_options_may_stand_between_the_words(run):
    done = run('--output', 'table', 'pets', '--top', '2', KITTEN, '--parallel', '1',
               'pictures/0.jpg')
    assert (done.returncode, done.stderr) == (0, '')
    assert [line.split()[-2:] for line in done.stdout.splitlines()] == [
        ['CLASS', 'PROBABILITY'], ['cat', '75.0%'], ['dog', '25.0%'], ['cat', '75.0%'],
        ['dog', '25.0%']]


def test_several_inputs_are_values(run, tmp_path):
    (tmp_path / 'right.json').write_text('[3]')
    done = run('two', '--input', 'left=[[1, 2]]', '--input', 'right=@right.json')
    assert lines_of(done) == [{'input': 'left, right', 'prediction': [[[1, 2]], [3]]}]
    assert done.returncode == 0


def test_an_input_that_fails_does_not_stop_the_others(run):
    done = run('pets', 'none.jpg', KITTEN)
    assert done.returncode == 1
    assert done.stderr == ('mxnet-model-predict: 1 of 2 inputs have no prediction: their lines say '
                           'why\n')
    failed, answered = lines_of(done)
    assert failed['error'] == {'kind': 'WrongUse', 'message':
                               "'none.jpg' cannot be read: No such file or directory"}
    assert 'prediction' in answered


def test_what_the_server_refuses_is_told_with_the_id_of_the_request(run, server, tmp_path):
    (tmp_path / 'broken.png').write_bytes(b'broken')
    done = run('pets', 'broken.png')
    [line] = lines_of(done)
    assert (done.returncode, line['error']['status'], line['error']['type']) == (
        1, 400, 'BadRequestException')
    assert until(lambda: line['error']['request_id'] in server.log)
    table = run('pets', 'broken.png', '--output', 'table')
    assert (table.returncode, table.stdout) == (1, '')
    assert table.stderr.startswith('mxnet-model-predict: broken.png: Input data for request')
    assert '(request ' in table.stderr


@pytest.mark.parametrize(('words', 'env', 'status', 'said'), [
    (['none', 'x.jpg'], {}, 1, 'has no model none: it has pets, two'),
    (['pets'], {}, 1, 'give a file: model pets takes a picture'),
    (['two', 'x.json'], {}, 1, 'give --input left=... --input right=...'),
    (['two', '--input', 'left=[1]'], {}, 1, 'there is no value for right'),
    (['pets', 'x.jpg'], {'MMS_SERVER_TOKEN': ''}, 1,
     'asks for a token: give its file with --token FILE or MMS_SERVER_TOKEN'),
    (['pets', 'x.jpg', '--token', 'none'], {}, 1, 'asks for a token'),
    (['pets', 'x.jpg', '--token', 'nowhere'], {}, 1, "the token file 'nowhere' cannot be read"),
    (['pets', 'x.jpg', '--server', 'ftp://x'], {}, 1, "'ftp://x' is no address of a server"),
    (['pets', 'x.jpg', '--ca', 'ca.pem'], {}, 1, '--ca: only for TLS'),
    (['pets', 'x.jpg'], {'MMS_SERVER': 'http://127.0.0.1:1'}, 3, 'no server listens at'),
    (['pets', '--input', 'x'], {}, 2, "'x' is not NAME=VALUE"),
    (['pets', 'x.jpg', '--timeout', '0'], {}, 2, '0 is no number of seconds above 0'),
    (['pets', 'x.jpg', '--parallel', 'x'], {}, 2, "invalid whole number value: 'x'"),
    ([], {}, 2, 'NAME'),
])
def test_what_is_wrong_is_one_line_and_a_status(run, words, env, status, said):
    done = run(*words, env=env)
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr
    assert status == 2 or len((done.stdout + done.stderr).splitlines()) <= 2


@pytest.mark.parametrize('act', [
    (503, {'message': 'Many wait.'}, {'Retry-After': '0'}), hanging, (504, {'message': 'Late.'})])
def test_a_server_that_has_no_time_is_worth_another_try(run, act):
    with predicting({'m': PICTURES}, act) as port:
        done = run('m', KITTEN, '--server', port.url, '--timeout', '0.5', '--attempts', '2',
                   '--output', 'table')
        assert (done.returncode, len(port.posted)) == (3, 2 if act is not hanging and act[0] == 503
                                                       else 1)


def test_a_server_that_goes_away_stops_the_command(run, tmp_path):
    def leave(handler, asked):
        # First, or the next connection might be made before.
        handler.server.socket.close()
        handler.tell(*ANSWERED, headers={'Connection': 'close'})

    with predicting({'m': PICTURES}, leave) as port:
        done = run('m', 'pictures', '--server', port.url, '--parallel', '1', '--attempts', '1')
    assert done.returncode == 3
    assert len(lines_of(done)) == 1
    assert port.url in done.stderr


def start(words, environment, cwd, **streams):
    return subprocess.Popen([sys.executable, '-m', MODULE, *words], cwd=cwd, env=environment,
                            stdin=subprocess.DEVNULL, **streams)


def test_ctrl_c_prints_what_is_known_and_ends_at_once(environment, tmp_path):
    def stops_after_two(handler, asked):
        if len(handler.server.posted) <= 2:
            return handler.tell(*ANSWERED)
        return hanging(handler, asked)

    words = ['m', *[str(KITTEN)] * 9, '--parallel', '1', '--output', 'table']
    with predicting({'m': PICTURES}, stops_after_two) as port:
        process = start([*words, '--server', port.url], environment, tmp_path,
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(lambda: len(port.posted) == 3)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert [line.split()[-1] for line in out.splitlines()] == ['PREDICTION', '["fine"]', '["fine"]']
    assert errors == 'mxnet-model-predict: interrupted: 2 of 9 inputs are done\n'


def test_who_reads_one_line_gets_one_and_no_more_is_asked(environment, tmp_path):
    with predicting({'m': PICTURES}, ANSWERED) as port:
        process = start(['m', *[str(KITTEN)] * 500, '--server', port.url, '--parallel', '1'],
                        environment, tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert b'fine' in process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == b''
        assert len(port.posted) < 500
        process.stderr.close()


@pytest.mark.parametrize('form', ['json', 'table'])
def test_output_that_cannot_be_written_is_told_and_fails(environment, tmp_path, form):
    with predicting({'m': PICTURES}, ANSWERED) as port, open('/dev/full', 'w') as full:
        process = start(['m', str(KITTEN), str(KITTEN), '--server', port.url, '--output', form],
                        environment, tmp_path, stdout=full, stderr=subprocess.PIPE, text=True)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (1, (
        'mxnet-model-predict: predictions are missing: the output cannot be written: No space left '
        'on device\n'))


def in_terminal(words, environment, cwd):
    """Status of the command on a terminal, and what is printed there."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 70, 0, 0))
    with os.fdopen(parent, 'rb', buffering=0) as screen:
        process = start(words, environment, cwd, stdout=child, stderr=child,
                        start_new_session=True)
        os.close(child)
        printed = b''
        while True:
            try:
                printed += screen.read(4096)
            except OSError:
                break
        return process.wait(30), printed.decode().replace('\r\n', '\n')


def test_on_a_terminal_there_are_a_bar_a_table_and_colours(run, environment, tmp_path):
    def slow(handler, asked):
        handler.server.is_over.wait(0.15)
        handler.tell(*ANSWERED)

    with predicting({'m': PICTURES}, slow) as port:
        status, printed = in_terminal(
            ['m', 'pictures', 'none.jpg', '--server', port.url, '--parallel', '1'], environment,
            tmp_path)
    assert status == 1
    assert 'Predicting: 2/4' in printed
    *_, table = printed.partition('\x1b[1m')
    head, *rows, error = table.splitlines()
    assert head == 'INPUT           PREDICTION\x1b[0m'
    assert rows == [f'pictures/{number}.jpg  ["fine"]' for number in range(3)]
    assert error == ("\x1b[31mmxnet-model-predict: 'none.jpg' cannot be read: No such file or "
                     'directory\x1b[0m')


@pytest.mark.parametrize('env', [{'NO_COLOR': '1'}, {'TERM': 'dumb'}])
def test_nobody_has_colours_who_wants_none(environment, tmp_path, env):
    status, printed = in_terminal(['pets', str(KITTEN)], {**environment, **env}, tmp_path)
    assert status == 0
    assert '\x1b' not in printed
    assert printed.splitlines()[1].split() == [printed.splitlines()[1].split()[0], 'cat', '75.0%']


def test_a_picture_comes_from_standard_input(environment, tmp_path):
    with open(KITTEN, 'rb') as picture:
        done = subprocess.run([sys.executable, '-m', MODULE, 'pets', '-'], stdin=picture,
                              cwd=tmp_path, env=environment, capture_output=True, timeout=60)
    assert json.loads(done.stdout)['input'] == '-'
    assert done.returncode == 0


def test_the_help_has_examples_and_the_exit_status(run):
    done = run('--help')
    assert done.returncode == 0
    assert 'mxnet-model-predict flowers kitten.jpg' in done.stdout
    assert '130  interrupted' in done.stdout


def test_it_needs_neither_gevent_nor_what_a_server_is_made_of():
    code = (f'import sys, {MODULE}; print(*(name for name in ("mxnet", "numpy", "PIL", "gevent", '
            '"flask", "requests", "tqdm", "mms.frontend") if name in sys.modules))')
    done = subprocess.run([sys.executable, '-c', code], cwd=REPO, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, '\n'), done.stderr

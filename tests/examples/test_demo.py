"""examples/efficientnet_lite0/demo.sh and show.py, as `make demo` runs them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / 'examples' / 'efficientnet_lite0'
ANSWER = {'prediction': [[
    {'class': 'n02123159 tiger cat', 'probability': 0.3916},
    {'class': 'n02123045 tabby, tabby cat', 'probability': 0.1866},
]]}


def show(text, **environment):
    return subprocess.run([sys.executable, str(EXAMPLE / 'show.py')], input=text, text=True,
                          capture_output=True, env={**os.environ, **environment}, check=False)


def demo(bin_folder, temporary):
    return subprocess.Popen(
        ['sh', str(EXAMPLE / 'demo.sh')], cwd=ROOT, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, 'BIN': str(bin_folder), 'TMPDIR': str(temporary),
             'PYTHONPATH': str(ROOT)})


@pytest.fixture
def temporary(tmp_path):
    folder = tmp_path / 'tmp'
    folder.mkdir()
    return folder


@pytest.fixture
def bin_with_server(tmp_path):
    """Return a function that makes a bin folder whose server is the given shell script."""
    def make(script):
        folder = tmp_path / 'bin'
        folder.mkdir()
        for name, text in (('python', f'exec "{sys.executable}" "$@"'),
                           ('mxnet-model-server', script)):
            (folder / name).write_text(f'#!/bin/sh\n{text}\n')
            (folder / name).chmod(0o755)
        return folder
    return make


def test_classes_are_shown_with_words_bars_and_percentages():
    done = show(json.dumps(ANSWER), PYTHONIOENCODING='utf-8')
    assert done.returncode == 0
    first, second = done.stdout.splitlines()
    assert first.split() == ['tiger', 'cat', '█' * 12 + '░' * 18, '39.2%']
    assert second.split() == ['tabby', '█' * 6 + '░' * 24, '18.7%']


def test_a_terminal_without_block_characters_gets_plain_ones():
    done = show(json.dumps(ANSWER), PYTHONIOENCODING='ascii')
    assert done.stdout.splitlines()[0].split()[2] == '#' * 12 + '.' * 18


@pytest.mark.parametrize('text', [
    '', 'oops', '{"code": 500, "message": "no"}', '{"prediction": []}'])
def test_an_answer_that_is_no_prediction_is_shown_as_it_is(text):
    done = show(text)
    assert done.returncode == 1
    assert 'this is no prediction: ' + (text or 'an empty answer') in done.stderr


def test_a_server_that_cannot_start_fails_the_demo_with_its_output(bin_with_server, temporary):
    process = demo(bin_with_server('echo the port is busy >&2; exit 3'), temporary)
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 1
    assert 'the server stopped before it was ready' in errors
    assert 'the port is busy' in errors
    assert list(temporary.iterdir()) == []


def test_ctrl_c_stops_the_server_and_leaves_nothing(bin_with_server, temporary, tmp_path):
    pid_file = tmp_path / 'pid'
    process = demo(bin_with_server(f'echo $$ >"{pid_file}"; exec sleep 100'), temporary)
    for _ in range(600):
        if pid_file.exists() and pid_file.read_text().strip():
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert list(temporary.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_an_environment_without_the_server_is_named(tmp_path, temporary):
    process = demo(tmp_path, temporary)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f'{tmp_path}/python is needed and is not there' in errors
    assert list(temporary.iterdir()) == []


def test_the_demo_shows_the_kitten(bin_with_server, temporary):
    process = demo(bin_with_server(f'exec "{sys.executable}" -m mms "$@"'), temporary)
    output, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    assert '/efficientnet/predict -F "data=@examples/kitten.jpg"' in output
    shown = [line.split() for line in output.splitlines() if line.endswith('%')]
    assert [(words[0], words[-1]) for words in shown[:3]] == [
        ('tiger', '39.2%'), ('Egyptian', '33.9%'), ('tabby', '18.7%')]
    assert list(temporary.iterdir()) == []

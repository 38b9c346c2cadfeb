"""``--init``: what it writes exports and serves as it is."""

import ast
import errno
import json
import os
import signal
import subprocess
import sys

import pytest
from harness import KITTEN, Server

from mms.archive.new_file import NewFile
from mms.errors import ExportError
from mms.export_model import main
from mms.exporter.start_folder import write_start


@pytest.fixture(scope='module')
def started(tmp_path_factory):
    """A folder that was started, and what the command has said."""
    top = tmp_path_factory.mktemp('start')
    done = subprocess.run([sys.executable, '-m', 'mms.export_model', '--init', 'birds'], cwd=top,
                          capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, '')
    return top, done.stdout


def words_of(said, command):
    """A command line that was said, for this Python."""
    line = next(line for line in said.splitlines() if line.strip().startswith(command))
    return line.split()[1:]


def test_it_is_exported_and_answers_by_the_lines_that_are_said(started, tmp_path):
    top, said = started
    done = subprocess.run(
        [sys.executable, '-m', 'mms.export_model', *words_of(said, 'mxnet-model-export')], cwd=top,
        capture_output=True, text=True)
    assert (done.returncode, 'WARNING' in done.stderr) == (0, False), done.stderr
    words = words_of(said, 'mxnet-model-server')
    assert words == ['--models', 'birds=birds', '--reload']
    server = Server(tmp_path, ['--workers', '1', '--reload', '--models', f'birds={top}/birds',
                               f'packed={top}/birds.model']).wait_until_up()
    try:
        for model in ('birds', 'packed'):
            reply = server.post(model, files={'data': KITTEN.read_bytes()})
            classes = [one['class'] for one in reply.json()['prediction'][0]]
            assert sorted(classes) == ['first', 'second', 'third']
        assert 'There is no .params file yet' in server.log
    finally:
        server.stop()
    assert sorted(os.listdir(top / 'birds')) == ['service.py', 'signature.json', 'synset.txt']


def test_its_files_say_what_to_put_into_them(started):
    top, said = started
    assert said.startswith('birds holds signature.json, synset.txt, service.py: each says what')
    source = (top / 'birds' / 'service.py').read_text()
    service, = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    assert ast.get_docstring(service)
    hooks = [node.name for node in service.body if isinstance(node, ast.FunctionDef)]
    assert hooks == ['__init__', '_preprocess', '_inference', '_postprocess']
    assert source.count('# ') >= len(hooks)
    assert json.loads((top / 'birds' / 'signature.json').read_text())['_comment']


def test_what_is_there_stays_and_nothing_is_written_beside_it(tmp_path, capsys):
    (tmp_path / 'service.py').write_text('mine')
    assert main(['--init', str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f'mxnet-model-export: {tmp_path}/service.py is there already, and stays as it is: give '
        'another folder\n')
    assert os.listdir(tmp_path) == ['service.py']
    assert (tmp_path / 'service.py').read_text() == 'mine'


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(ExportError, match='file/birds: the files cannot be written: '):
        write_start(str(tmp_path / 'file' / 'birds'))


def test_a_folder_without_a_name_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(['--init', '']) == 1
    assert capsys.readouterr().err == (
        "mxnet-model-export: --init '' names no folder: give one, or . for the one that you are "
        'in\n')
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('place', ['new/deep/', 'there'])
@pytest.mark.parametrize('failure', ['no room', 'an interrupt'])
def test_what_fails_half_way_leaves_what_was_there(tmp_path, monkeypatch, place, failure):
    (tmp_path / 'there').mkdir()
    (tmp_path / 'there' / 'mine').write_text('mine')
    publish, published = NewFile.publish, []

    def fails(self):
        if published and failure == 'no room':
            raise OSError(errno.ENOSPC, 'No space left on device')
        publish(self)
        published.append(self)
        if failure == 'an interrupt':
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(NewFile, 'publish', fails)
    with pytest.raises((ExportError, KeyboardInterrupt)):
        write_start(str(tmp_path / place))
    assert published
    assert [path.name for path in tmp_path.rglob('*')] == ['there', 'mine']

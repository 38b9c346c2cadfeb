"""``mxnet-model-export --inspect`` and ``--check``, as a user runs them."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import launcher
import pytest
from harness import PICTURES, TENSORS, write_archive

FIXTURES = Path(__file__).parents[1] / 'fixtures' / 'mms04'
SERVED = 'of the server would serve it, by its files'
NOT_SERVED = 'of the server would not serve it: '


@pytest.fixture
def run(tmp_path):
    """Run the command in a folder and with temporary files of its own, which it empties."""
    temporary = tmp_path / 'temporary'
    temporary.mkdir()
    here = tmp_path / 'here'
    here.mkdir()

    def run(*words):
        done = launcher.run('mms.export_model', *words, cwd=here, text=True,
                            env={**launcher.environment(), 'TMPDIR': str(temporary)})
        assert list(temporary.iterdir()) == list(here.iterdir()) == []
        return done

    return run


def verdict(done):
    return done.stdout.splitlines()[-1]


def cells(done):
    return [line.split(None, 1) for line in done.stdout.splitlines() if line.startswith(' ')]


def test_all_that_an_archive_says_of_itself_is_printed(run):
    done = run('--inspect', FIXTURES / 'b2_json.model')
    assert (done.returncode, done.stderr) == (0, '')
    with zipfile.ZipFile(FIXTURES / 'b2_json.model') as archive:
        manifest = json.loads(archive.read('MANIFEST.json'))
        for member in archive.infolist():
            digest = hashlib.sha256(archive.read(member)).hexdigest()
            assert [str(member.file_size), f'{digest}  {member.filename}'] in cells(done)
        signature = json.loads(archive.read('signature.json'))
    for field, value in manifest['Model'].items():
        assert [f'Model.{field}', value] in cells(done)
    for entry in signature['inputs']:
        assert ['input', f"{entry['data_name']} {entry['data_shape']}"] in cells(done)
    assert ['output_type', signature['output_type']] in cells(done)
    assert ['class', f"PlainBase of {manifest['Model']['Service']}"] in cells(done)
    assert SERVED in verdict(done)


def test_a_folder_is_inspected_in_place(run, tmp_path):
    folder = tmp_path / 'model'
    with zipfile.ZipFile(FIXTURES / 'b2_json.model') as archive:
        archive.extractall(folder)
    before = sorted(folder.iterdir())
    assert SERVED in verdict(run('--inspect', folder))
    assert run('--check', folder).returncode == 0
    assert sorted(folder.iterdir()) == before


def test_a_service_that_uses_what_numpy_has_dropped_is_tried_as_it_would_be_served(run, tmp_path):
    archive = write_archive(tmp_path, 'old', 'import numpy as np\n'
                                             'return [np.float(1), np.object is object]')
    done = run('--check', archive)
    assert (done.returncode, done.stderr) == (0, ''), done.stdout
    assert 'answered by [1.0,true]' in done.stdout


def test_what_cannot_be_served_is_shown_as_far_as_it_goes(run, tmp_path):
    archive = write_archive(tmp_path, 'net', signature={'inputs': []})
    done = run('--inspect', archive)
    assert done.returncode == 1
    assert ['Model.Model-Name', 'net'] in cells(done)
    assert any(line[-1].endswith('service.py') for line in cells(done))
    assert 'Signature' not in done.stdout.splitlines()
    assert f'{NOT_SERVED}{archive}: signature.json: input_type and output_type' in verdict(done)


def test_what_is_no_archive_is_one_line(run, tmp_path):
    (tmp_path / 'notes.txt').write_text('hello')
    done = run('--inspect', tmp_path / 'notes.txt')
    assert (done.returncode, done.stdout) == (1, '')
    assert done.stderr == (f'mxnet-model-export: {tmp_path}/notes.txt is not a model archive: '
                           'it is not a zip file\n')


def test_inspecting_runs_nothing_of_the_archive(run, tmp_path):
    source = (f'open({str(tmp_path / "ran")!r}, "w")\n'
              'from mms.model_service.model_service import SingleNodeService\n'
              'class Mine(SingleNodeService):\n    pass\n')
    done = run('--inspect', write_archive(tmp_path, 'net', source=source))
    assert ['class', 'Mine of service.py'] in cells(done)
    assert not (tmp_path / 'ran').exists()


def test_what_an_archive_says_cannot_command_the_terminal(run, tmp_path):
    archive = write_archive(tmp_path, '\x1b[2Jnet', files={'\x1b[31m.txt': ''})
    done = run('--inspect', archive)
    assert '\x1b' not in done.stdout
    assert r'\x1b[2Jnet' in done.stdout
    assert r'\x1b[31m.txt' in done.stdout


@pytest.mark.measured
def test_a_check_shows_the_answer_to_a_made_up_request(run):
    done = run('--check', FIXTURES / 'a2_vision.model')
    assert (done.returncode, done.stderr) == (0, '')
    answer = json.loads(verdict(done).partition('a made-up request is answered by ')[2])
    assert len(answer[0]) == 5
    assert {entry['class'] for entry in answer[0]} <= set(_synset('a2_vision'))


def _synset(name):
    with zipfile.ZipFile(FIXTURES / f'{name}.model') as archive:
        return archive.read('synset.txt').decode().split()


def test_pictures_are_made_up_too(run, tmp_path):
    archive = write_archive(tmp_path, 'net', 'return [len(data[0])]', signature=PICTURES)
    assert verdict(run('--check', archive)).endswith(']')


@pytest.mark.measured
def test_a_hook_that_raises_fails_the_check_and_its_traceback_is_shown(run, tmp_path):
    done = run('--check', write_archive(tmp_path, 'net', 'raise KeyError("colour")'))
    assert done.returncode == 1
    assert "KeyError: 'colour'" in done.stderr
    assert 'a made-up request is answered by 500' in verdict(done)


def test_a_service_that_finds_fault_with_a_made_up_request_passes(run, tmp_path):
    done = run('--check', write_archive(
        tmp_path, 'net', 'from mms.errors import BadRequest\nraise BadRequest("no colour")'))
    assert (done.returncode, done.stderr) == (0, '')
    assert verdict(done).endswith('it finds fault with a made-up request, try a real one: '
                                  'no colour')


@pytest.mark.measured
def test_a_model_that_does_not_load_fails_the_check(run, tmp_path):
    source = ('from mms.model_service.model_service import SingleNodeService\n'
              'class Mine(SingleNodeService):\n'
              '    def __init__(self, *args, **kwargs):\n'
              '        print("reading")\n'
              '        raise OSError("no weights")\n')
    archive = write_archive(tmp_path, 'net', source=source)
    done = run('--check', archive)
    assert done.returncode == 1
    assert verdict(done).endswith(f'{NOT_SERVED}{archive}/service.py:5: Mine cannot be '
                                  'constructed: OSError: no weights')


@pytest.mark.measured
def test_a_service_that_fails_outside_its_hooks_fails_the_check(run, tmp_path):
    source = ('from mms.model_service.model_service import SingleNodeService\n'
              'class Mine(SingleNodeService):\n'
              '    @property\n'
              '    def signature(self):\n'
              '        raise LookupError("no signature today")\n')
    archive = write_archive(tmp_path, 'net', source=source)
    done = run('--check', archive)
    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    assert verdict(done).endswith(
        f'{NOT_SERVED}{archive}/service.py:5: LookupError: no signature today')


def test_a_model_that_kills_its_process_fails_the_check(run, tmp_path):
    done = run('--check', write_archive(
        tmp_path, 'net', 'import os, signal\nprint("last words", flush=True)\n'
        'os.kill(os.getpid(), signal.SIGSEGV)'))
    assert done.returncode == 1
    assert 'last words' in done.stderr
    assert verdict(done).endswith('its process ended with SIGSEGV before it had answered')


def test_what_a_checked_service_starts_ends_with_the_check(run, tmp_path):
    pid = tmp_path / 'pid'
    done = run('--check', write_archive(
        tmp_path, 'net', 'import subprocess\nchild = subprocess.Popen(["sleep", "600"])\n'
        f'open({str(pid)!r}, "w").write(str(child.pid))\nreturn data'))
    assert done.returncode == 0
    _wait_for_end(int(pid.read_text()))


def _wait_for_end(pid):
    end = time.monotonic() + 60
    while Path(f'/proc/{pid}').exists() and ' Z ' not in Path(f'/proc/{pid}/stat').read_text():
        assert time.monotonic() < end, 'it goes on'
        time.sleep(0.05)


@pytest.mark.parametrize('flag', ['--inspect', '--check'])
def test_an_empty_location_is_one_line(run, flag):
    done = run(flag, '')
    assert (done.returncode, done.stdout) == (1, '')
    assert done.stderr == "mxnet-model-export: '': no such file or folder\n"


@pytest.mark.parametrize('flag', ['--inspect', '--check'])
def test_the_result_is_told_by_the_status_where_nothing_can_be_printed(flag):
    words = [sys.executable, '-m', 'mms.export_model', flag, str(FIXTURES / 'b2_json.model')]
    done = subprocess.run(['sh', '-c', '"$@" >&-', 'sh', *words], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, '')


@pytest.mark.measured
def test_a_check_that_is_terminated_leaves_no_process(tmp_path):
    archive = write_archive(
        tmp_path, 'net', f'import os, time\nopen({str(tmp_path / "pid")!r}, "w")'
        '.write(str(os.getpid()))\ntime.sleep(600)')
    command = subprocess.Popen([sys.executable, '-m', 'mms.export_model', '--check', archive],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pid = _wait_for(tmp_path / 'pid')
    command.send_signal(signal.SIGTERM)
    _, said = command.communicate()
    assert (command.returncode, said) == (130, 'mxnet-model-export: interrupted\n')
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _wait_for(path):
    end = time.monotonic() + 60
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < end, 'the service never ran'
        time.sleep(0.05)
    return int(path.read_text())


SILENT_MISTAKES = """
from mms.model_service.model_service import SingleNodeService


class Mine(SingleNodeService):
    signature = __import__('json').loads(%r)

    def _preproces(self, data):
        return data

    def _postprocess(self, data):
        return [object()]
"""


def test_a_check_tells_what_nobody_would_see(run, tmp_path):
    archive = write_archive(tmp_path, 'net', source=SILENT_MISTAKES % json.dumps(TENSORS))
    done = run('--check', archive)
    told = [line for line in done.stderr.splitlines() if line.startswith('WARNING: ')]
    assert done.returncode == 1
    assert told[0] == ('WARNING: service.py:8: Mine._preproces is never called: the hook is '
                       '_preprocess')
    assert told[1].startswith('WARNING: service.py:11: its answer cannot be sent: ')
    assert len(told) == 2

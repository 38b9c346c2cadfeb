import contextlib
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
import zipfile
from pathlib import Path

import pytest

from mms import __version__
from mms.archive.location import Location
from mms.archive.reader import open_model
from mms.arg_parser import ArgParser
from mms.errors import ExportError, ServiceError, SignatureError
from mms.export_model import export, export_model, main

pytestmark = pytest.mark.core

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / 'tests' / 'fixtures' / 'mms04'

VISION_SERVICE = '''
from mms.model_service.mxnet_vision_service import MXNetVisionService


class Pretrained(MXNetVisionService):
    pass
'''


def snapshot(folder):
    """Everything in a folder; its own time stamp changes if a file was there for a moment."""
    return {str(path): (path.stat().st_mtime_ns, path.is_dir() or path.read_bytes())
            for path in [Path(folder), *Path(folder).rglob('*')]}


def unpack(archive, folder):
    with zipfile.ZipFile(FIXTURES / f'{archive}.model') as zipped:
        zipped.extractall(folder)
    (folder / 'MANIFEST.json').unlink()
    return folder


def members(archive):
    with zipfile.ZipFile(archive) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def manifest_of(archive):
    return json.loads(members(archive)['MANIFEST.json'])


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """The current directory, where archives are written."""
    folder = tmp_path / 'here'
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def symbolic(tmp_path):
    """A symbolic model that takes pictures: symbol, params, signature, synset; no service."""
    folder = unpack('a2_vision', tmp_path / 'symbolic')
    (folder / 'plain_vision.py').unlink()
    return folder


@pytest.fixture
def gluon(tmp_path):
    """A Gluon model: params, signature, synset, and the service file mood_service.py."""
    return unpack('c_gluon', tmp_path / 'gluon')


def refusal(here, *args, **options):
    """The one-line message of an export that leaves nothing behind."""
    before = sorted(os.listdir(here))
    with pytest.raises(ExportError) as caught:
        export_model(*args, **options)
    assert isinstance(caught.value, ValueError)
    message = str(caught.value)
    assert '\n' not in message
    # Who calls a function gives no flags.
    assert '--' not in message.replace('--force, in Python with force=True', '')
    assert sorted(os.listdir(here)) == before
    return message


def test_a_symbolic_model_is_exported(here, symbolic):
    path = export_model('net', str(symbolic))
    assert path == str(here / 'net.model')
    assert os.listdir(here) == ['net.model']
    contents = members(path)
    for source in symbolic.iterdir():
        assert contents.pop(source.name) == source.read_bytes()
    assert set(contents) == {'MANIFEST.json', 'mxnet_vision_service.py'}


def test_its_manifest_names_every_part(here, symbolic):
    symbol = symbolic / 'a2_vision-symbol.json'
    contents = json.loads(symbol.read_text())
    contents['attrs']['mxnet_version'] = ['int', 10201]
    symbol.write_text(json.dumps(contents))
    export_model('net', str(symbolic))
    assert manifest_of('net.model') == {
        'Model-Archive-Version': 0.2,
        'Model-Archive-Description': 'net',
        'Model-Server': float(__version__.rpartition('.')[0]),
        'Model': {
            'Symbol': 'a2_vision-symbol.json', 'Parameters': 'a2_vision-0007.params',
            'Signature': 'signature.json', 'Service': 'mxnet_vision_service.py',
            'Description': 'net', 'Model-Name': 'net', 'Model-Format': 'MXNet-Symbolic',
        },
        'Engine': {'MXNet': '1.2.1'},
    }


@pytest.mark.parametrize(('archive', 'service'), [
    ('a2_vision', 'plain_vision.py'), ('b2_json', 'plain_base.py'), ('c_gluon', 'mood_service.py'),
    ('e_boxes', 'boxes_service.py')])
def test_what_0_4_exported_is_exported_the_same(tmp_path, archive, service):
    folder = unpack(archive, tmp_path / 'model')
    export_model(archive, str(folder), service)
    ours, theirs = members(f'{archive}.model'), members(FIXTURES / f'{archive}.model')
    ours_manifest = json.loads(ours.pop('MANIFEST.json'))
    theirs_manifest = json.loads(theirs.pop('MANIFEST.json'))
    assert ours == theirs
    assert ours_manifest['Model'] == theirs_manifest['Model']


def test_the_tutorials_kind_of_service_is_exported_as_imperative(tmp_path):
    folder = unpack('g_seed', tmp_path / 'model')
    export_model('g_seed', str(folder), str(folder / 'bug_service.py'), model_type='imperative')
    theirs = members(FIXTURES / 'g_seed.model')
    assert manifest_of('g_seed.model')['Model'] == json.loads(theirs['MANIFEST.json'])['Model']


def test_an_imperative_model_needs_no_params(tmp_path, gluon):
    (gluon / 'mood.params').unlink()
    (gluon / 'pretrained.py').write_text(VISION_SERVICE)
    export_model('net', str(gluon), 'pretrained.py', model_type='imperative')
    manifest = manifest_of('net.model')
    assert manifest['Model']['Parameters'] == manifest['Model']['Symbol'] == ''
    assert manifest['Model']['Model-Format'] == 'Gluon-Imperative'
    assert manifest['Engine'] == {'MXNet': sys.modules['mxnet'].__version__}


def test_the_built_in_vision_service_answers_as_0_4_did(symbolic, tmp_path):
    from mms.worker.loading.service_loader import build_service, load_service_class

    export_model('net', str(symbolic))
    model = open_model('net', Location.parse('net.model'), str(tmp_path))
    service_file = os.path.join(model.model_dir, model.manifest['Model']['Service'])
    cls = load_service_class(service_file, 'MXNet-Symbolic')
    service = build_service(cls, model.model_name, model.model_dir, model.manifest, None)
    case = json.loads((FIXTURES / 'expected.json').read_text())['cases'][0]
    (answer,), (expected,) = (
        service.inference([(FIXTURES / case['parts'][0]['file']).read_bytes()]),
        case['json']['prediction'])
    assert [entry['class'] for entry in answer] == [entry['class'] for entry in expected]
    assert [entry['probability'] for entry in answer] == pytest.approx(
        [entry['probability'] for entry in expected], abs=1e-4)


def test_tensors_get_the_built_in_base_service(tmp_path):
    from mms.worker.loading.service_loader import load_service_class

    folder = unpack('b2_json', tmp_path / 'model')
    (folder / 'plain_base.py').unlink()
    export_model('net', str(folder))
    assert manifest_of('net.model')['Model']['Service'] == 'mxnet_model_service.py'
    model = open_model('net', Location.parse('net.model'), str(tmp_path))
    service_file = os.path.join(model.model_dir, 'mxnet_model_service.py')
    bases = load_service_class(service_file, 'MXNet-Symbolic').__mro__
    assert 'MXNetBaseService' in [base.__name__ for base in bases]


def test_a_service_file_of_that_name_in_the_folder_is_taken(symbolic):
    (symbolic / 'mxnet_vision_service.py').write_text('# mine\n')
    export_model('net', str(symbolic))
    assert members('net.model')['mxnet_vision_service.py'] == b'# mine\n'


def test_an_export_without_service_file_imports_no_mxnet(here, symbolic):
    script = ('import sys; from mms.export_model import main\n'
              f'status = main(["--model-name", "net", "--model-path", {str(symbolic)!r}])\n'
              'sys.exit(status or int("mxnet" in sys.modules))')
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True,
                          env={**os.environ, 'PYTHONPATH': str(ROOT)}, timeout=60)
    assert (done.returncode, os.listdir(here)) == (0, ['net.model']), done.stderr


def test_a_service_file_from_elsewhere_goes_in(symbolic, tmp_path):
    service = tmp_path / 'elsewhere' / 'service.py'
    service.parent.mkdir()
    service.write_text(VISION_SERVICE)
    export_model('net', str(symbolic), str(service))
    assert members('net.model')['service.py'].decode() == VISION_SERVICE
    assert manifest_of('net.model')['Model']['Service'] == 'service.py'
    assert os.listdir(service.parent) == ['service.py']


def test_two_service_files_of_one_name_are_refused(here, symbolic, tmp_path):
    other = tmp_path / 'service.py'
    other.write_text(VISION_SERVICE)
    (symbolic / 'service.py').write_text('# another\n')
    message = refusal(here, 'net', str(symbolic), str(other))
    assert str(other) in message
    assert str(symbolic / 'service.py') in message


def test_a_copy_of_the_service_file_in_the_folder_is_no_clash(symbolic, tmp_path):
    for folder in symbolic, tmp_path:
        (folder / 'service.py').write_text(VISION_SERVICE)
    export_model('net', str(symbolic), str(tmp_path / 'service.py'))
    assert members('net.model')['service.py'].decode() == VISION_SERVICE


def test_the_model_directory_is_never_written_to(gluon, monkeypatch):
    monkeypatch.delenv('PYTHONDONTWRITEBYTECODE', raising=False)
    monkeypatch.setattr(sys, 'dont_write_bytecode', False)
    before = snapshot(gluon)
    export_model('net', str(gluon), 'mood_service.py')
    assert snapshot(gluon) == before


def test_an_old_manifest_is_replaced_and_that_is_told(symbolic, caplog):
    (symbolic / 'MANIFEST.json').write_text('{"old": true}')
    before = snapshot(symbolic)
    with caplog.at_level('INFO', logger='mms'):
        export_model('net', str(symbolic))
    assert manifest_of('net.model')['Model']['Model-Name'] == 'net'
    assert f'{symbolic / "MANIFEST.json"} is left out' in caplog.text
    assert snapshot(symbolic) == before


def test_same_input_gives_same_bytes(symbolic, tmp_path):
    copy = shutil.copytree(symbolic, tmp_path / 'copy', copy_function=shutil.copyfile)
    export_model('net', str(symbolic), export_file='1.model')
    export_model('net', str(copy) + '/', export_file=str(tmp_path / '2.model'))
    assert Path('1.model').read_bytes() == (tmp_path / '2.model').read_bytes()


def test_sub_folders_go_in(symbolic):
    (symbolic / 'tokens').mkdir()
    (symbolic / 'tokens' / 'vocab.txt').write_text('a b c')
    export_model('net', str(symbolic))
    assert members('net.model')['vocab.txt'] == b'a b c'


def test_files_in_sub_folders_are_not_the_model(symbolic):
    (symbolic / 'older').mkdir()
    (symbolic / 'older' / 'a2_vision-0001.params').write_bytes(b'old')
    export_model('net', str(symbolic))
    assert manifest_of('net.model')['Model']['Parameters'] == 'a2_vision-0007.params'


def test_a_clash_of_names_is_refused(here, symbolic):
    (symbolic / 'sub').mkdir()
    (symbolic / 'sub' / 'synset.txt').touch()
    message = refusal(here, 'net', str(symbolic))
    assert f'{symbolic}/synset.txt and {symbolic}/sub/synset.txt' in message


def test_an_archive_written_into_the_model_directory_does_not_hold_itself(symbolic, monkeypatch):
    monkeypatch.chdir(symbolic)
    names = set(os.listdir(symbolic))
    export_model('net', '.')
    assert set(members('net.model')) == names | {'MANIFEST.json', 'mxnet_vision_service.py'}
    assert set(os.listdir(symbolic)) == names | {'net.model'}


def test_a_tilde_is_the_home(symbolic, monkeypatch):
    monkeypatch.setenv('HOME', str(symbolic.parent))
    export_model('net', f'~/{symbolic.name}', export_file='~/out.model')
    location = Location.parse(str(symbolic.parent / 'out.model'))
    assert open_model('net', location, '.').model_name == 'net'


@pytest.mark.parametrize('existing', ['file', 'folder', 'broken link'])
def test_an_existing_file_stays_untouched(here, symbolic, existing):
    path = here / 'net.model'
    {'file': lambda: path.write_text('mine'), 'folder': path.mkdir,
     'broken link': lambda: path.symlink_to('nowhere')}[existing]()
    before = path.lstat()
    assert f'{path} already exists.' in refusal(here, 'net', str(symbolic))
    assert path.lstat().st_mtime_ns == before.st_mtime_ns


def test_force_replaces_a_file_once_the_new_one_is_whole(here, symbolic):
    whole = Path(export_model('net', str(symbolic))).read_bytes()
    (here / 'net.model').write_text('mine')
    (symbolic / 'signature.json').rename(symbolic / 'elsewhere.json')
    with pytest.raises(SignatureError):
        export_model('net', str(symbolic), force=True)
    assert (here / 'net.model').read_text() == 'mine'
    (symbolic / 'elsewhere.json').rename(symbolic / 'signature.json')
    assert main(['--model-name', 'net', '--model-path', str(symbolic), '--force']) == 0
    assert (here / 'net.model').read_bytes() == whole
    assert os.listdir(here) == ['net.model']


def test_the_signature_of_what_was_replaced_is_told_of(here, symbolic, capsys):
    (here / 'net.model.sig').write_text('of another')
    assert main(['--model-name', 'net', '--model-path', str(symbolic), '--force']) == 0
    assert (f'WARNING: {here}/net.model.sig is the signature of another archive than this one: '
            'sign it with mxnet-model-export --sign KEY --archive ') in capsys.readouterr().err


@pytest.mark.parametrize('name', ['', ' ', 'a/b', '../net', '/net', 'a\\b', 'a\nb'])
def test_a_name_that_cannot_be_is_refused(here, symbolic, name):
    assert f'{name!r} cannot be the name of a model' in refusal(here, name, str(symbolic))


def test_a_model_type_that_cannot_be_is_refused(here, symbolic):
    assert "model type 'onnx'" in refusal(here, 'net', str(symbolic), model_type='onnx')


def test_a_folder_that_is_not_there_is_refused(here, tmp_path):
    path = str(tmp_path / 'none')
    assert f'model path {path!r} is not a directory' in refusal(here, 'net', path)


def test_a_missing_signature_is_refused(here, symbolic):
    (symbolic / 'signature.json').unlink()
    with pytest.raises(SignatureError) as caught:
        export_model('net', str(symbolic))
    assert f'signature.json is not found in {symbolic}.' in str(caught.value)
    assert os.listdir(here) == []


@pytest.mark.parametrize(('change', 'message'), [
    ({'input_type': None}, 'input_type and output_type must be strings'),
    ({'input_type': 'text/html'}, 'Valid type should be picked from'),
])
def test_a_bad_signature_is_refused(symbolic, change, message):
    signature = json.loads((symbolic / 'signature.json').read_text())
    (symbolic / 'signature.json').write_text(json.dumps({**signature, **change}))
    with pytest.raises(SignatureError, match=message):
        export_model('net', str(symbolic))


def test_a_signature_without_types_is_refused(symbolic):
    (symbolic / 'signature.json').write_text('{"inputs": [], "outputs": []}')
    with pytest.raises(SignatureError, match='input_type and output_type are required in signatur'):
        export_model('net', str(symbolic))


# A plain file that opens, and whose reading fails, for root too.
UNREADABLE = Path('/proc/self/mem')
needs_unreadable = pytest.mark.skipif(not UNREADABLE.is_file(), reason='needs Linux')


@needs_unreadable
@pytest.mark.parametrize('name', ['synset.txt', 'signature.json', 'a2_vision-symbol.json',
                                  'a2_vision-0007.params'])
def test_a_file_that_cannot_be_read_is_one_line(here, symbolic, capsys, name):
    (symbolic / name).unlink()
    (symbolic / name).symlink_to(UNREADABLE)
    assert main(['--model-name', 'net', '--model-path', str(symbolic)]) == 1
    assert re.fullmatch(rf'mxnet-model-export: \S*{name}[ :].*\n', capsys.readouterr().err)
    assert os.listdir(here) == []


@needs_unreadable
def test_a_service_file_that_cannot_be_read_is_one_line(here, symbolic, capsys):
    service = symbolic / 'service.py'
    service.symlink_to(UNREADABLE)
    assert main(['--model-name', 'net', '--model-path', str(symbolic),
                 '--service-file-path', 'service.py']) == 1
    assert capsys.readouterr().err == (
        f'mxnet-model-export: {service} cannot be read: Input/output error\n')


def test_a_missing_service_file_is_refused(here, symbolic):
    message = refusal(here, 'net', str(symbolic), 'none.py')
    assert message == f'Service File not found in none.py or in {symbolic}.'


def test_a_service_file_that_does_not_load_is_refused(here, symbolic):
    (symbolic / 'service.py').write_text('def broken(:\n')
    with pytest.raises(ServiceError, match=r'service\.py'):
        export_model('net', str(symbolic), 'service.py')
    assert os.listdir(here) == []


def test_a_folder_without_model_files_is_refused(here, symbolic):
    for suffix in 'symbol.json', '0007.params':
        (symbolic / f'a2_vision-{suffix}').unlink()
    message = refusal(here, 'net', str(symbolic))
    assert f'No model files found in the model directory {symbolic}' in message


@pytest.mark.parametrize(('removed', 'missing'), [
    ('a2_vision-symbol.json', 'NAME-symbol.json'), ('a2_vision-0007.params', 'NAME-0000.params')])
def test_half_a_symbolic_model_is_refused(here, symbolic, removed, missing):
    (symbolic / removed).unlink()
    message = refusal(here, 'net', str(symbolic), model_type='symbolic')
    assert f'Incomplete MXNet model found in the model directory {symbolic}' in message
    assert f'{missing} is missing' in message


@pytest.mark.parametrize(('names', 'pattern'), [
    (['a2_vision-0008.params'], '.params'), (['other-symbol.json'], '...-symbol.json'),
    (['a.onnx', 'b.onnx'], '.onnx'),
])
def test_two_files_of_one_kind_are_refused(here, symbolic, names, pattern):
    for name in names:
        (symbolic / name).touch()
    message = refusal(here, 'net', str(symbolic))
    assert f'mxnet-model-export expects only one {pattern} file: ' in message
    assert names[-1] in message


@pytest.mark.parametrize('name', ['a2_vision.params', 'a2_vision-.params', 'a2_vision-x.params'])
def test_params_without_an_epoch_are_refused(here, symbolic, name):
    (symbolic / 'a2_vision-0007.params').rename(symbolic / name)
    message = refusal(here, 'net', str(symbolic))
    assert f'No epoch number found in the parameter filename {name}' in message


def test_prefixes_that_differ_are_refused(here, symbolic):
    (symbolic / 'a2_vision-0007.params').rename(symbolic / 'other-0007.params')
    message = refusal(here, 'net', str(symbolic))
    assert 'Your parameters file and symbols file naming prefix do not match.' in message


def test_onnx_beside_another_model_is_refused(here, symbolic):
    (symbolic / 'net.onnx').touch()
    message = refusal(here, 'net', str(symbolic))
    assert f'More than one model type is present in the model directory {symbolic}' in message


@pytest.mark.parametrize('model_type', [None, 'imperative'])
def test_a_symbol_beside_an_imperative_model_is_refused(here, gluon, model_type):
    (gluon / 'mood-symbol.json').touch()
    message = refusal(here, 'net', str(gluon), 'mood_service.py', model_type=model_type)
    assert f'More than one model type is present in the model directory {gluon}' in message
    assert 'the model type is imperative, and mood-symbol.json' in message


def test_a_lone_symbol_beside_an_imperative_service_is_refused(here, gluon):
    (gluon / 'mood.params').rename(gluon / 'mood-symbol.json')
    message = refusal(here, 'net', str(gluon), 'mood_service.py')
    assert 'Incomplete MXNet model found in the model directory' in message


def test_onnx_beside_an_imperative_model_is_refused(here, gluon):
    (gluon / 'net.onnx').touch()
    message = refusal(here, 'net', str(gluon), 'mood_service.py')
    assert 'More than one model type is present in the model directory' in message


def test_a_gluon_service_is_not_symbolic(here, gluon):
    message = refusal(here, 'net', str(gluon), 'mood_service.py', model_type='symbolic')
    assert 'model type symbolic contradicts the service file' in message
    assert 'MoodService derives from GluonImperativeBaseService' in message


def test_an_imperative_model_needs_a_service_file(here, gluon):
    message = refusal(here, 'net', str(gluon), model_type='imperative')
    assert 'an imperative model needs a service file' in message


def test_a_vision_service_without_symbol_is_told_of_the_other_type(here, tmp_path):
    folder = unpack('g_seed', tmp_path / 'model')
    message = refusal(here, 'net', str(folder), 'bug_service.py')
    assert 'Incomplete MXNet model found in the model directory' in message
    assert 'say that the model type is imperative' in message


def test_the_command_exports_and_says_so(here, symbolic, capsys):
    assert main(['--model-name', 'net', '--model-path', str(symbolic)]) == 0
    assert capsys.readouterr().err == (
        f'{here / "net.model"} holds model net\n')
    assert os.listdir(here) == ['net.model']


def test_the_commands_failure_is_one_line_and_status_1(here, symbolic, capsys):
    (symbolic / 'signature.json').unlink()
    assert export(['--model-name', 'net', '--model-path', str(symbolic)]) == 1
    err = capsys.readouterr().err
    assert err == f'mxnet-model-export: signature.json is not found in {symbolic}.\n'


def test_the_command_takes_every_flag(here, gluon):
    script = [sys.executable, '-m', 'mms.export_model', '--model-name=net',
              f'--model-path={gluon}', f'--service-file-path={gluon}/mood_service.py',
              '--model-type=imperative']
    done = subprocess.run(script, env={**os.environ, 'PYTHONPATH': str(ROOT)}, timeout=120,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f'{here / "net.model"} holds model net\n' in done.stderr
    assert manifest_of('net.model')['Model']['Service'] == 'mood_service.py'


def test_a_misspelt_flag_is_named_beside_the_one_that_is_missing(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(['--model-nme', 'net', '--model-path', 'here'])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.endswith(
        'unrecognized arguments: --model-nme; the following arguments are required: '
        '--model-name\n')


def test_the_help_names_every_flag():
    text = ArgParser.export_parser().format_help()
    for flag in '--model-name', '--model-path', '--service-file-path', '--model-type', '--force':
        assert flag in text


def written_bytes(pid):
    """Of a file without a name that a process writes."""
    sizes = []
    for entry in Path(f'/proc/{pid}/fd').iterdir():
        with contextlib.suppress(OSError):
            if '/#' in os.readlink(entry):
                sizes.append(entry.stat().st_size)
    return max(sizes, default=0)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_export_leaves_nothing_behind(here, symbolic, number):
    with open(symbolic / 'large.bin', 'wb') as stream:
        stream.truncate(20 * 1024**3)  # sparse; only what is copied before the signal is real
    child = subprocess.Popen(
        [sys.executable, '-m', 'mms.export_model', '--model-name', 'net', '--model-path',
         str(symbolic)], env={**os.environ, 'PYTHONPATH': str(ROOT)}, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while not written_bytes(child.pid) and time.monotonic() < deadline:
            time.sleep(0.005)
        assert written_bytes(child.pid)
        child.send_signal(number)
        _, err = child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
    assert os.listdir(here) == []
    if number == signal.SIGKILL:
        return
    assert child.returncode == 130
    assert err.decode() == 'mxnet-model-export: interrupted, nothing was written\n'


@pytest.mark.parametrize(('megabytes', 'shown'), [(20, True), (1, False)])
def test_a_large_export_shows_its_progress_on_a_terminal(symbolic, megabytes, shown):
    with open(symbolic / 'weights.bin', 'wb') as stream:
        stream.truncate(megabytes * 1024**2)
    terminal, child_end = pty.openpty()
    fcntl.ioctl(child_end, termios.TIOCSWINSZ, struct.pack('4H', 24, 80, 0, 0))
    output = []
    child = subprocess.Popen(
        [sys.executable, '-m', 'mms.export_model', '--model-name', 'net', '--model-path',
         str(symbolic)], env={**os.environ, 'PYTHONPATH': str(ROOT)}, stderr=child_end)
    os.close(child_end)
    reader = threading.Thread(target=_read_terminal, args=(terminal, output))
    reader.start()
    assert child.wait(60) == 0
    reader.join(60)
    text = b''.join(output).decode()
    assert 'holds model net' in text
    assert ('100%' in text) == shown


def _read_terminal(terminal, output):
    with open(terminal, 'rb', buffering=0) as stream:
        while True:
            try:
                output.append(stream.read(4096))
            except OSError:  # the other end is closed
                return


def warnings_of(capsys):
    lines = capsys.readouterr().err.splitlines()
    return [line for line in lines if line.startswith('WARNING: ')]


def exported(folder, *words):
    return main(['--model-name', 'net', '--model-path', str(folder), *map(str, words)])


def test_a_good_model_is_exported_without_a_warning(symbolic, capsys):
    assert exported(symbolic) == 0
    assert warnings_of(capsys) == []


def test_an_input_that_the_symbol_does_not_have_stops_the_export(here, symbolic):
    path = symbolic / 'signature.json'
    signature = json.loads(path.read_text())
    [entry] = signature['inputs']
    known, entry['data_name'] = entry['data_name'], 'photograph'
    path.write_text(json.dumps(signature))
    message = ("signature.json: input 'photograph' is not an input of the network, which has: "
               f'{known}')
    assert refusal(here, 'net', str(symbolic)) == message
    (symbolic / 'mine.py').write_text(VISION_SERVICE)
    assert refusal(here, 'net', str(symbolic), 'mine.py') == message


def test_a_service_that_loads_its_network_itself_may_call_its_inputs_anything(symbolic):
    path = symbolic / 'signature.json'
    signature = json.loads(path.read_text())
    signature['inputs'][0]['data_name'] = 'photograph'
    path.write_text(json.dumps(signature))
    (symbolic / 'mine.py').write_text(VISION_SERVICE.replace(
        'pass', 'def __init__(self, model_name, model_dir, manifest, gpu=None): pass'))
    export_model('net', str(symbolic), 'mine.py')


@pytest.mark.parametrize('service', [None, VISION_SERVICE])
def test_labels_that_are_more_than_the_classes_are_a_warning(symbolic, service, capsys):
    path = symbolic / 'signature.json'
    signature = json.loads(path.read_text())
    labels = len((symbolic / 'synset.txt').read_text().splitlines())
    signature['outputs'] = [{'data_name': 'out', 'data_shape': [0, labels - 1]}]
    path.write_text(json.dumps(signature))
    words = []
    if service:
        (symbolic / 'mine.py').write_text(service)
        words = ['--service-file-path', 'mine.py']
    assert exported(symbolic, *words) == 0
    assert warnings_of(capsys) == [
        f"WARNING: synset.txt:{labels}: there are {labels} labels, and output 'out' of "
        f'signature.json has {labels - 1} classes']


def test_a_misspelt_hook_is_a_warning_with_file_and_line(symbolic, capsys):
    (symbolic / 'mine.py').write_text(VISION_SERVICE.replace(
        '    pass', '    def _preproces(self, data):\n        return data'))
    assert exported(symbolic, '--service-file-path', 'mine.py') == 0
    assert warnings_of(capsys) == ['WARNING: mine.py:6: Pretrained._preproces is never called: '
                                   'the hook is _preprocess']

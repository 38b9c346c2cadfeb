"""What a person reads when a server starts, or cannot."""

import os
import signal
import socket
import subprocess
import sys
import zipfile

import psutil
import pytest
import requests
from harness import FIXTURES, PICTURES, SERVICE, TENSORS, free_port, until, write_archive


def fails(launch, *words, **options):
    """Standard error of a server that must not start; it must leave nothing behind."""
    server = launch(*words, **options)
    status = server.wait(120)
    assert status == 1, server.stderr
    assert 'Traceback' not in server.stderr + server.log
    assert os.listdir(server.temporary) == []
    assert os.listdir(server.folder) == ['tmp']
    return server.stderr


def test_the_start_says_what_is_served_and_how_to_ask(serve, tmp_path):
    wide = {**TENSORS, 'inputs': [{'data_name': 'data', 'data_shape': [0, 500]}]}
    server = serve('--models', f"eye={write_archive(tmp_path, 'eye', signature=PICTURES)}",
                   f"sum={write_archive(tmp_path, 'sum')}",
                   f"wide={write_archive(tmp_path, 'wide', signature=wide)}")
    url = f'http://127.0.0.1:{server.port}'
    assert f'Serving 3 models at {url}' in server.stdout
    assert f'curl -X POST {url}/eye/predict -F data=@kitten.jpg' in server.stdout
    assert f"curl -X POST {url}/sum/predict -F 'data=[[0]]'" in server.stdout
    assert f"curl -X POST {url}/wide/predict -F 'data=<data.json'" in server.stdout
    for line in ('Service started successfully',
                 f'Service description endpoint: 127.0.0.1:{server.port}/api-description',
                 f'Service health endpoint: 127.0.0.1:{server.port}/ping'):
        assert line in server.log
    assert '\x1b[' not in server.stderr + server.stdout + server.log


def test_the_printed_curl_line_works(serve, tmp_path):
    server = serve('--models', f"sum={write_archive(tmp_path, 'sum')}")
    line = next(line for line in server.stdout.splitlines() if 'curl' in line)
    answer = subprocess.run(line, shell=True, capture_output=True, check=True)
    assert answer.stdout == b'{"prediction":[[[0]]]}\n'


def test_a_picture_of_a_shape_that_no_picture_has_stops_the_start(launch, tmp_path):
    source = '''
from mxnet.gluon import nn
from mms.model_service.mxnet_vision_service import MXNetVisionService

class Service(MXNetVisionService):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.net = nn.Flatten()
'''
    rows = {**PICTURES, 'inputs': [{'data_name': 'data', 'data_shape': [0, 8, 8, 3]}]}
    archive = write_archive(tmp_path, 'rows', source=source, signature=rows)
    line = fails(launch, '--models', f'rows={archive}').splitlines()[-1]
    assert "signature.json: the data_shape of 'data' is [0, 8, 8, 3]; a picture arrives as " in line
    assert 'rows' in line


@pytest.mark.parametrize(('words', 'parts'), [
    (['--models', 'm=nowhere.model'], ['nowhere.model']),
    (['--models', 'm=x.model', '--port', 'many'], ['--port', 'many']),
    (['--models', 'm=x.model', '--log-level', 'LOUD'], ['--log-level', 'LOUD', 'INFO']),
    (['--models', 'm=x.model', '--log-rotation-time', '1 Y'], ['--log-rotation-time', '1 Y']),
    (['--models', 'm=x.model', '--gpu', 'first'], ['--gpu', 'first']),
    (['--models', 'm=x.model', '--max-request-size', 'big'], ['--max-request-size', 'big']),
    (['--models', f'm={FIXTURES}/b2_json.model', '--service', 'none.py'], ['--service', 'none.py']),
    (['--models', f'm={FIXTURES}/b2_json.model', '--service', '/'], ['--service', 'not a file']),
    (['--models', f'm={FIXTURES}/b2_json.model', '--log-file', 'no/where.log'],
     ['--log-file', 'no/where.log']),
    (['--models', f'm={FIXTURES}/b2_json.model', '--host', '203.0.113.7'], ['203.0.113.7']),
    (['--models', f'm={FIXTURES}/b2_json.model', '--host', 'no such host'], ['no such host']),
])
def test_a_wrong_argument_is_one_line_that_names_it(launch, words, parts):
    text = fails(launch, *words)
    assert len(text.strip().splitlines()) == 1
    assert all(part in text for part in parts)


def test_a_broken_archive_is_one_line_that_names_it(launch, tmp_path):
    (tmp_path / 'broken.model').write_bytes(b'PK nothing')
    text = fails(launch, '--models', f"m={tmp_path / 'broken.model'}")
    assert len(text.strip().splitlines()) == 1
    assert 'broken.model' in text


def test_a_busy_port_is_one_line_that_names_it(launch, tmp_path):
    with socket.socket() as holder:
        holder.bind(('127.0.0.1', 0))
        holder.listen()
        port = holder.getsockname()[1]
        text = fails(launch, '--models', f'm={FIXTURES}/b2_json.model', port=str(port))
    assert len(text.strip().splitlines()) == 1
    assert str(port) in text
    assert 'in use' in text


@pytest.mark.parametrize(('source', 'reason'), [
    ('import nothing_like_this\n', 'nothing_like_this'),
    ('def broken(:\n', 'service.py'),
    ('x = 1\n', 'service.py'),
    ('import os\nos._exit(7)\n', 'exit status 7'),
    ('import os\nos.abort()\n', 'SIGABRT'),
    ('import sys\nsys.exit("no licence")\n', 'no licence'),
    (SERVICE.format(body='        return data').replace(
        'self.model_name = model_name', 'raise RuntimeError("weights do not fit")'),
     'weights do not fit'),
])
def test_a_service_that_does_not_load_stops_the_start_naming_model_and_reason(
        launch, tmp_path, source, reason):
    good = write_archive(tmp_path, 'good')
    bad = write_archive(tmp_path, 'bad', source=source)
    text = fails(launch, '--models', f'good={good}', f'wrong={bad}')
    [line] = [line for line in text.splitlines() if line.startswith('mxnet-model-server: ')]
    assert 'model wrong' in line
    assert bad in line
    assert reason in line


def test_a_signature_that_is_wrong_is_named(launch, tmp_path):
    signature = {**TENSORS, 'input_type': 'text/plain'}
    text = fails(launch, '--models', f"m={write_archive(tmp_path, 'm', signature=signature)}")
    assert 'Valid type should be picked from' in text


def test_models_without_a_location_are_argparse_s_own_error(launch):
    server = launch('--models', 'alexnet')
    assert server.wait() == 2
    assert 'alexnet' in server.stderr
    assert 'Traceback' not in server.stderr


def test_a_folder_is_served_in_place_and_never_written_to(serve, tmp_path):
    folder = tmp_path / 'extracted'
    with zipfile.ZipFile(write_archive(tmp_path, 'm')) as archive:
        archive.extractall(folder)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    server = serve('--models', f'm={folder}')
    assert server.post_text('m', '[1]').status_code == 200
    server.stop()
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_replaced_archive_is_never_served_stale(serve, tmp_path):
    path = write_archive(tmp_path, 'm', 'return ["old"]')
    first = serve('--models', f'm={path}')
    assert first.post_text('m', '[1]').json() == {'prediction': ['old']}
    first.stop()
    write_archive(tmp_path, 'm', 'return ["new"]')
    second = serve('--models', f'm={path}')
    assert second.post_text('m', '[1]').json() == {'prediction': ['new']}
    assert sorted(os.listdir(tmp_path)) == ['m.model', 'server0', 'server1']


def test_each_archive_is_served_by_its_own_class_and_service_replaces_them_all(serve, tmp_path):
    archives = {name: write_archive(tmp_path, name, f'return ["{name}"]') for name in 'ab'}
    models = [f'{name}={path}' for name, path in archives.items()]
    own = serve('--models', *models)
    assert [own.post_text(name, '[1]').json()['prediction'] for name in 'ab'] == [['a'], ['b']]
    own.stop()
    replacement = tmp_path / 'replacement.py'
    replacement.write_text(SERVICE.format(body='        return ["replaced"]'))
    replaced = serve('--models', *models, '--service', replacement)
    assert [replaced.post_text(name, '[1]').json()['prediction'] for name in 'ab'] == [
        ['replaced'], ['replaced']]


def test_a_service_may_import_a_module_beside_it(serve, tmp_path):
    source = 'import my_helper\n' + SERVICE.format(body='        return my_helper.VALUE')
    path = write_archive(tmp_path, 'm', source=source, files={'my_helper.py': 'VALUE = [42]\n'})
    assert serve('--models', f'm={path}').post_text('m', '[1]').json() == {'prediction': [42]}


def test_files_in_the_working_directory_shadow_nothing_in_a_worker(launch, tmp_path):
    folder = tmp_path / 'server0'
    folder.mkdir()
    console_script = '; '.join([
        'import sys', "sys.path[:] = [path for path in sys.path if path not in ('', %r)]",
        'from mms.mxnet_model_server import main', 'sys.exit(main())']) % str(folder)
    for name in ('json', 'numpy', 'logging', 'service', 'synset'):
        (folder / f'{name}.py').write_text('raise RuntimeError("imported from the folder")\n')
    server = launch('--models', f"m={write_archive(tmp_path, 'm')}",
                    command=[sys.executable, '-c', console_script]).wait_until_up()
    assert server.post_text('m', '[1]').json() == {'prediction': [[1]]}


def test_the_printed_curl_line_of_an_odd_name_works(serve, tmp_path):
    server = serve('--models', f"a b?#[1]%20={write_archive(tmp_path, 'sum')}")
    line = next(line for line in server.stdout.splitlines() if 'curl' in line)
    answer = subprocess.run(line, shell=True, capture_output=True, check=True)
    assert answer.stdout == b'{"prediction":[[[0]]]}\n'


@pytest.mark.parametrize('redirection', ['>&-', '2>&-', '<&- >&- 2>&-', '>/dev/full', '| true'])
def test_no_standard_stream_is_needed(launch, tmp_path, redirection):
    port = free_port()
    body = 'print("x" * 100_000, flush=True)\nreturn data'
    words = ['--models', f"m={write_archive(tmp_path, 'm', body)}"]
    server = launch(*words, port=str(port), command=[
        'bash', '-c', f'"{sys.executable}" -m mms "$@" {redirection} & echo $!; wait $!', 'bash'])
    server.url = f'http://127.0.0.1:{port}'
    until(lambda: answers(server), 60)
    assert server.post_text('m', '[1]').json() == {'prediction': [[1]]}
    [front] = psutil.Process(server.pid).children()[:1]
    front.terminate()
    server.wait()
    assert os.listdir(server.temporary) == []


def answers(server):
    try:
        return server.get('/ping').status_code == 200
    except requests.ConnectionError:
        return False


def test_a_debug_log_has_the_traceback_of_a_service_that_does_not_load(launch, tmp_path):
    bad = write_archive(tmp_path, 'bad', source=SERVICE.format(body='        return data').replace(
        'self.model_name = model_name', 'raise RuntimeError("first\\nsecond")'))
    server = launch('--models', f'm={bad}', '--log-level', 'DEBUG')
    assert server.wait() == 1
    assert 'Traceback' in server.stderr
    assert 'service.py' in server.stderr
    [line] = [line for line in server.stderr.splitlines() if line.startswith('mxnet-model-server')]
    assert 'service.py:' in line
    assert 'first second' in line
    assert str(server.temporary) not in line


def test_a_log_file_of_earlier_starts_gets_the_reason_of_this_one(launch, tmp_path):
    log = tmp_path / 'kept.log'
    log.write_text('of yesterday\n')
    server = launch('--models', 'm=none.model', '--log-file', log)
    assert server.wait() == 1
    assert log.read_text().startswith('of yesterday\n')
    assert 'none.model: no such file or folder' in log.read_text()


def test_a_missing_archive_does_not_wait_for_the_download_before_it(launch, tmp_path):
    with socket.socket() as stalled:
        stalled.bind(('127.0.0.1', 0))
        stalled.listen()
        server = launch('--models', f'm=http://127.0.0.1:{stalled.getsockname()[1]}/x.model',
                        'n=none.model')
        assert server.wait(20) == 1
    assert 'model n cannot be served: none.model' in server.stderr


def test_a_helper_beside_a_replacing_service_file_comes_before_the_archives(serve, tmp_path):
    source = 'import helper_of_two\n' + SERVICE.format(body='        return helper_of_two.VALUE')
    archive = write_archive(tmp_path, 'm', source=source,
                            files={'helper_of_two.py': 'VALUE = ["archive"]\n'})
    (tmp_path / 'own.py').write_text(source)
    (tmp_path / 'helper_of_two.py').write_text('VALUE = ["mine"]\n')
    server = serve('--models', f'm={archive}', '--service', tmp_path / 'own.py')
    assert server.post_text('m', '[1]').json() == {'prediction': ['mine']}


def test_a_gluon_archive_whose_service_has_no_network_does_not_start(launch, tmp_path):
    source = ('from mms.model_service.mxnet_model_service import MXNetBaseService\n'
              'class Service(MXNetBaseService):\n    pass\n')
    text = fails(launch, '--models', f"m={write_archive(tmp_path, 'm', source=source)}")
    assert 'Service has no network: set self.net' in text


def test_a_signature_that_a_service_computes_may_hold_tuples_and_leave_out_outputs(
        serve, tmp_path):
    computed = """{'inputs': [{'data_name': 'data', 'data_shape': (numpy.int64(1), -1)}],
                   'input_type': 'application/json', 'output_type': 'application/json'}"""
    source = 'import numpy\n' + SERVICE.format(body='        return data').replace(
        "__import__('json').load(open(model_dir + '/signature.json'))", computed)
    server = serve('--models', f"m={write_archive(tmp_path, 'm', source=source)}")
    assert server.post_text('m', '[1]').json() == {'prediction': [[1]]}


def test_a_signal_during_a_download_leaves_nothing(launch):
    with socket.socket() as stalled:
        stalled.bind(('127.0.0.1', 0))
        stalled.listen()
        server = launch('--models', f'm=http://127.0.0.1:{stalled.getsockname()[1]}/x.model')
        stalled.accept()
        assert server.stop(signal.SIGTERM) == 128 + signal.SIGTERM
    until(lambda: os.listdir(server.temporary) == [])

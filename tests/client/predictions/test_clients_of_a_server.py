"""Both clients and a real server: pictures, tensors, tokens, TLS, a Unix socket."""

import io
import subprocess
import sys
import threading

import launcher
import numpy as np
import pytest
from harness import KITTEN, PICTURES, TENSORS, Server, until, write_archive
from PIL import Image
from prediction_port import CLIENTS

from mms.client import (
    AccessDenied,
    Client,
    Input,
    ModelFailed,
    ModelNotFound,
    PayloadTooLarge,
    RequestRefused,
    Retries,
    ServerTimedOut,
    TLSFailed,
)

TOKEN, OF_METRICS = 'predict-' * 4, 'metrics-' * 4
TWO = {**TENSORS, 'inputs': [{'data_name': 'left', 'data_shape': [0, 2]},
                             {'data_name': 'right', 'data_shape': [0, 2]}]}
# What Python has for the pixels of a picture, as the service reads it.
PIXELS = '''
import io
from PIL import Image
pixels = Image.open(io.BytesIO(data[0]))
return [len(data[0]), pixels.size, pixels.mode, pixels.getpixel((0, 0))]
'''
# Of -1 it fails; what the server makes up takes no time.
SLOW = '''
import time
value = data[0][0][0]
time.sleep(60 if value == 30 else 0)
return [1 / (value + 1)]
'''


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp('asked')
    archives = {
        'pixels': write_archive(folder, 'pixels', PIXELS, PICTURES),
        'a name+ä': write_archive(folder, 'echo', 'return data[0]'),
        'two': write_archive(folder, 'two', 'return data', TWO),
        'slow': write_archive(folder, 'slow', SLOW),
    }
    server = Server(folder, ['--workers', '1', '--request-timeout', '2', '--max-request-size', '1M',
                             '--models', *(f'{name}={path}' for name, path in archives.items())])
    yield server.wait_until_up()
    server.stop()


@pytest.fixture(params=CLIENTS)
def cls(request):
    return CLIENTS[request.param]


@pytest.fixture
def client(server, cls):
    client = cls(server.url)
    yield client
    client.close()


@pytest.mark.parametrize('given', [
    lambda: str(KITTEN), lambda: KITTEN, KITTEN.read_bytes, lambda: io.BytesIO(KITTEN.read_bytes()),
    lambda: {'data': KITTEN}], ids=['text', 'path', 'bytes', 'file', 'dict'])
def test_the_server_gets_the_file_of_a_picture(client, given):
    assert client.predict('pixels', given())[0] == KITTEN.stat().st_size


def test_the_server_gets_the_pixels_of_an_array_and_of_a_picture_of_pillow(client):
    pixels = np.full((3, 5, 3), (10, 20, 30), 'uint8')
    told = [[5, 3], 'RGB', [10, 20, 30]]
    assert client.predict('pixels', pixels)[1:] == told
    assert client.predict('pixels', Image.fromarray(pixels))[1:] == told
    assert client.predict('pixels', pixels[:, :, 0])[1:] == [[5, 3], 'L', 10]


@pytest.mark.parametrize('given', [[[1.5, 2]], '[[1.5, 2]]', np.float32([[1.5, 2]])],
                         ids=['list', 'text', 'array'])
def test_the_server_gets_a_tensor_for_a_model_of_any_name(client, given):
    assert client.predict('a name+ä', given) == [[1.5, 2]]


def test_several_inputs_are_a_dict(client):
    assert client.predict('two', {'right': np.arange(2), 'left': [5]}) == [[5], [0, 1]]


def test_what_is_served_is_told(client):
    assert client.inputs('two') == (Input('left', False, '[2]'), Input('right', False, '[2]'))
    assert client.models()['pixels'] == (Input('data', True, '[3, 8, 8]'),)
    assert client.is_healthy() is True


@pytest.mark.parametrize(('model', 'given', 'error', 'status', 'said'), [
    ('none', [1], ModelNotFound, 404, 'has no model none: it has a name+ä, pixels'),
    ('pixels', b'no picture', RequestRefused, 400, 'no JPEG, PNG or BMP'),
    ('two', {'left': 'x.json', 'right': '[1, '}, RequestRefused, 400, 'neither JSON nor'),
    ('slow', [[-1]], ModelFailed, 500, 'Error occurs while inference was executed'),
    ('pixels', b'\xff\xd8' + b'0' * 2**20, PayloadTooLarge, 413, '--max-request-size'),
    ('slow', [[30]], ServerTimedOut, 504, '--request-timeout'),
])
def test_what_the_server_refuses_has_its_words_and_an_id_that_its_log_has(
        client, server, tmp_path, monkeypatch, model, given, error, status, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'x.json').write_text('[1]')
    with pytest.raises(error) as found:
        client.predict(model, given)
    assert found.value.status == status
    assert said in found.value.message
    if found.value.request_id:
        assert until(lambda: found.value.request_id in server.log)
    assert bool(found.value.request_id) is (model != 'none')


def test_many_are_answered_in_their_order(client):
    given = [[[number]] for number in range(40)]
    assert list(client.predict_many('a name+ä', given, parallel=5)) == given


def test_threads_share_a_client(server):
    with Client(server.url) as client:
        found = {}
        threads = [threading.Thread(target=lambda number=number: found.update(
            {number: client.predict('a name+ä', [[number]])})) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {number: [[number]] for number in range(12)}


ASKED_WITHOUT = '''
import sys
missing = {missing}
sys.modules.update(dict.fromkeys(missing))
from mms.client import Client
with Client({url!r}) as client:
    print(client.predict('pixels', {picture!r})[0])
    print(client.predict('two', {{'left': [1], 'right': [2]}}))
    try:
        client.predict('pixels', [[1]])
    except ValueError as error:
        print(error)
print(*(name for name in missing if sys.modules[name]))
'''


def test_neither_mxnet_nor_flask_nor_anything_else_but_httpx_is_needed(server):
    missing = ['mxnet', 'flask', 'werkzeug', 'gevent', 'numpy', 'PIL', 'orjson', 'requests', 'tqdm',
               'psutil', 'prometheus_client']
    code = ASKED_WITHOUT.format(missing=missing, url=server.url, picture=str(KITTEN))
    done = subprocess.run([sys.executable, '-c', code], env=launcher.environment(),
                          capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == [
        str(KITTEN.stat().st_size), '[[1], [2]]',
        'data is a picture, and list is none: give a path, bytes, an open file, a picture of '
        'Pillow or an array of uint8; several go to predict_many', ''], done.stderr


def test_the_names_are_there_before_anything_is_imported():
    code = ('import sys, mms.client; print(mms.client.__all__[1], "httpx" in sys.modules); '
            'mms.client.Client; print("httpx" in sys.modules)')
    done = subprocess.run([sys.executable, '-c', code], env=launcher.environment(),
                          capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ['AsyncClient', 'False', 'True'], done.stderr


@pytest.fixture(scope='module')
def locked(tmp_path_factory):
    """A server that asks for a token, under TLS, and for a certificate of its clients."""
    from certificates import Authority
    folder = tmp_path_factory.mktemp('locked')
    authority = Authority(folder)
    (folder / 'tokens').touch(0o600)
    (folder / 'tokens').write_text(f'{TOKEN} predict\n{OF_METRICS} metrics\n')
    archive = write_archive(folder, 'm', 'return data[0]')
    server = Server(folder, [
        '--models', f'm={archive}', '--workers', '1', '--auth-token-file', str(folder / 'tokens'),
        '--tls-client-ca', authority.path, *authority.sign().words()])
    server.verify, server.cert = authority.path, authority.sign()
    yield server.wait_until_up()
    server.stop()


@pytest.mark.parametrize(('token', 'status', 'said'), [
    (None, 401, 'asks for a token'), ('another', 401, 'none that this server takes'),
    (OF_METRICS, 403, 'has not the scope predict')])
def test_who_has_no_token_is_told(locked, cls, token, status, said):
    cert, key = locked.cert
    client = cls(locked.url, token=token, ca=locked.verify, cert=cert, key=key)
    try:
        with pytest.raises(AccessDenied) as found:
            client.predict('m', [[1]])
        assert found.value.status == status
        assert said in found.value.message
    finally:
        client.close()


def test_a_token_and_a_certificate_open_the_door(locked, cls):
    cert, key = locked.cert
    client = cls(locked.url, token=TOKEN, ca=locked.verify, cert=cert, key=key)
    try:
        assert client.predict('m', [[1]]) == [[1]]
        assert TOKEN not in repr(client)
    finally:
        client.close()


@pytest.mark.parametrize(('options', 'said'), [
    (lambda server: {}, 'is not trusted'),
    (lambda server: {'ca': server.verify}, 'certificate'),
])
def test_what_tls_wants_is_told_and_not_tried_again(locked, cls, options, said):
    client = cls(locked.url, retries=Retries(attempts=10, first_wait_s=20), **options(locked))
    try:
        with pytest.raises(TLSFailed) as found:
            client.predict('m', [[1]])
        assert said in found.value.message
        assert '--' not in found.value.message
        assert not found.value.may_have_run
    finally:
        client.close()


@pytest.fixture(scope='module')
def on_a_socket(tmp_path_factory):
    folder = tmp_path_factory.mktemp('socket')
    archive = write_archive(folder, 'm', 'return data[0]')
    server = Server(folder, ['--models', f'm={archive}', '--workers', '1', '--uds',
                             str(folder / 's')], port=None)
    until(lambda: 'Serving ' in server.stdout or server.process.poll() is not None, 120)
    yield next(word for word in server.stdout.split() if word.startswith('unix:'))
    server.stop()


def test_a_server_on_a_unix_socket_is_asked_by_the_address_that_it_prints(cls, on_a_socket):
    client = cls(on_a_socket)
    try:
        assert client.predict('m', [[1]]) == [[1]]
    finally:
        client.close()

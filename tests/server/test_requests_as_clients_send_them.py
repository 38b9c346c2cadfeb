"""Inputs as client libraries send them, and what a client is told of those that do not fit."""

import io
import json
import shutil
import subprocess

import mxnet as mx
import numpy as np
import pytest
import requests
from harness import Server
from mxnet import sym
from PIL import Image

from mms.export_model import export_model

DATA = sym.var('data')
FORM = 'multipart/form-data; boundary=B'


def dense():
    return {'arg:fc_weight': mx.nd.array([[1, 2], [3, 4]]), 'arg:fc_bias': mx.nd.zeros(2)}


# Name -> network, parameters, shapes of the inputs, their type.
MODELS = {
    'lin': (sym.FullyConnected(DATA, num_hidden=2, name='fc'), dense(), {'data': [0, 2]},
            'application/json'),
    # Its signature asks for several entries in a request.
    'many': (sym.FullyConnected(DATA, num_hidden=2, name='fc'), dense(), {'data': [0, 2]},
             'application/json'),
    'pic': (sym.mean(DATA, axis=(2, 3)), {}, {'data': [0, 3, 8, 8]}, 'image/jpeg'),
    'add': (sym.var('a') + sym.var('b'), {}, {'a': [0, 0], 'b': [0, 0]}, 'application/json'),
    'conv': (sym.Convolution(DATA, num_filter=1, kernel=(5, 5), name='c'),
             {'arg:c_weight': mx.nd.ones((1, 1, 5, 5)), 'arg:c_bias': mx.nd.zeros(1)},
             {'data': [0, 1, 0, 0]}, 'application/json'),
    # Made for one request: a larger batch would be read in part.
    'one': (sym.Reshape(DATA, shape=(1, 4)) * 2, {}, {'data': [0, 2, 2]}, 'application/json'),
}


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    home, words = tmp_path_factory.mktemp('clients'), []
    for name, (network, parameters, shapes, kind) in MODELS.items():
        folder = home / name
        folder.mkdir()
        network.save(str(folder / 'net-symbol.json'))
        mx.nd.save(str(folder / 'net-0000.params'), parameters or {'arg:unused': mx.nd.ones(1)})
        (folder / 'signature.json').write_text(json.dumps({
            'inputs': [{'data_name': field, 'data_shape': shape}
                       for field, shape in shapes.items()], 'input_type': kind, 'outputs': [],
            'output_type': 'application/json', 'output_format': 'lists',
            **({'batch_requests': True} if name == 'many' else {})}))
        words.append(f'{name}=' + export_model(name, str(folder),
                                               export_file=str(home / f'{name}.model')))
    server = Server(home, ['--workers', '1', '--models', *words])
    yield server.wait_until_up()
    server.stop()


def picture(kind='JPEG'):
    file = io.BytesIO()
    Image.new('RGB', (8, 8), (200, 100, 50)).save(file, kind)
    return file.getvalue()


def part(*heads, data):
    return b'\r\n'.join([b'--B', *heads, b'', data, b'--B--', b''])


def raw(server, model, body, **headers):
    headers = {name.replace('_', '-'): value for name, value in headers.items()}
    return server.post(model, data=body, headers=headers)


def assert_linear(answer):
    assert (answer.status_code, answer.text) == (200, '{"prediction":[[[5.0,11.0]]]}\n')


def assert_coloured(answer):
    assert answer.status_code == 200, answer.text
    assert np.allclose(answer.json()['prediction'], [[[200, 100, 50]]], atol=2)


def refusal(answer):
    assert answer.status_code == 400, answer.text
    return answer.json()['message']


def test_a_list_may_come_in_a_file(server, tmp_path):
    path = tmp_path / 'x.json'
    path.write_text('[[1, 2]]')
    with path.open('rb') as file:
        assert_linear(server.post('lin', files={'data': file}))
    assert_linear(server.post('lin', files={'data': '[[1, 2]]'}))
    assert_linear(server.post('lin', files={'data': (None, '[[1, 2]]', 'application/json')}))
    assert_linear(server.post('lin', files={'data': ('blob', '[[1, 2]]', 'application/json')}))
    assert_linear(server.post('lin', files={'data': ('x', '\ufeff[[1, 2]]'.encode())}))


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.bmp', ''])
def test_a_picture_is_what_its_bytes_are(server, tmp_path, suffix):
    path = tmp_path / f'kitten{suffix}'
    path.write_bytes(picture({'.png': 'PNG', '.bmp': 'BMP'}.get(suffix, 'JPEG')))
    with path.open('rb') as file:
        assert_coloured(server.post('pic', files={'data': file}))
    for kind in ('application/octet-stream', 'image/png', 'image/*'):
        assert_coloured(server.post('pic', files={'data': ('x', path.read_bytes(), kind)}))
    # Without a filename, with a type and without.
    for head in ([b'Content-Type: image/jpeg'], []):
        body = part(*head, b'Content-Disposition: form-data; name=data', data=path.read_bytes())
        assert_coloured(raw(server, 'pic', body, Content_Type='multipart/form-data; boundary="B"'))


@pytest.mark.skipif(not shutil.which('curl'), reason='there is no curl')
def test_curl_needs_no_type_of_a_file(server, tmp_path):
    (tmp_path / 'kitten').write_bytes(picture())
    (tmp_path / 'x.json').write_text('[[1, 2]]')
    for model, file, answer in (('pic', 'kitten', b'{"prediction":[[[20'),
                                ('lin', 'x.json', b'{"prediction":[[[5.0,11.0]]]}')):
        words = ['curl', '-sS', '-F', f'data=@{file}', f'{server.url}/{model}/predict']
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=True)
        assert done.stdout.startswith(answer)


@pytest.mark.parametrize(('data', 'kind', 'given'), [
    (picture(), 'text/plain', 'text/plain is given.'),
    (b'hello', 'application/octet-stream', 'application/octet-stream is given. Its bytes are no '),
    (b'hello', '', 'no type is given. Its bytes are no JPEG, PNG or BMP.'),
    (picture('GIF'), 'image/gif', 'image/gif is given. Its bytes are no JPEG, PNG or BMP.'),
])
def test_what_is_no_picture_is_refused_with_what_was_expected(server, data, kind, given):
    part = ('x', data, kind) if kind else ('x', data)
    assert refusal(server.post('pic', files={'data': part})).startswith(
        'Input data for request argument: data is not correct. image/jpeg is expected but '
        + given)


@pytest.mark.parametrize(('model', 'body', 'headers', 'reason'), [
    ('lin', b'{"data": [[1,2]]}', {}, 'The body is JSON and not a form: send data as a field'),
    ('pic', picture(), {'Content_Type': 'application/x-www-form-urlencoded'},
     'The body is a picture and not a form: send it as the part data'),
    ('lin', part(b'Content-Disposition: form-data; name="data"', data=b'[[1,2]]'),
     {'Content_Type': 'multipart/form-data'}, 'The Content-Type multipart/form-data names no '),
    ('lin', part(b'Content-Disposition: form-data; name="data"', data=b'[[1,2]]')[:-7],
     {'Content_Type': FORM}, 'The form is cut off: its last boundary, --B--, is missing.'),
], ids=['json', 'picture', 'no boundary', 'no end'])
def test_a_body_that_is_no_form_is_told_what_it_is(server, model, body, headers, reason):
    message = refusal(raw(server, model, body, **headers))
    assert message.startswith(reason)
    assert message.endswith('End point details can be found here:http://<host>:<port>/'
                            f'api-description ({server.url}/api-description)')
    assert message in server.log


def test_requests_with_a_content_type_of_its_own_is_told_so(server):
    answer = server.post('lin', files={'data': '[[1, 2]]'},
                         headers={'Content-Type': 'application/json'})
    assert refusal(answer).startswith(
        'The body is a form, but its Content-Type says application/json: let the HTTP library')


def test_a_signature_may_ask_for_several_entries_in_json(server):
    url, entries = f'{server.url}/many/predict', {'data': [[[1, 2]], [[3, 4]]]}
    answer = requests.post(url, json=entries, timeout=60)
    assert answer.text == '{"prediction":[[[[5.0,11.0]]],[[[11.0,25.0]]]]}\n'
    assert_linear(requests.post(url, json={'data': [[1, 2]]}, timeout=60,
                                headers={'X-MMS-Batch': 'false'}))
    assert_linear(server.post('many', data={'data': '[[1, 2]]'}))


def test_a_picture_or_json_may_be_the_body(server):
    assert_linear(requests.post(f'{server.url}/lin/predict', json={'data': [[1, 2]]}, timeout=60))
    assert_coloured(raw(server, 'pic', picture('PNG'), Content_Type='image/png'))
    assert_coloured(raw(server, 'pic', picture()))


@pytest.mark.parametrize(('model', 'fields', 'reason'), [
    ('add', {'a': '[[1, 2]]', 'b': '[[1, 2, 3]]'},
     'The network does not take inputs of the shapes a [1, 2], b [1, 3]: Incompatible attr in '),
    ('conv', {'data': '[[[[1, 2, 3], [1, 2, 3]]]]'},
     'The network does not take inputs of the shapes data [1, 1, 2, 3]: kernel size exceed input.'),
    ('one', {'data': '[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]'},
     'The network does not take inputs of the shapes data [2, 2, 2]: '),
    ('lin', {'data': '[[1, null]]'}, 'Input data is no tensor: null is no number.'),
    ('lin', {'data': '[[1, None]]'}, 'Input data is no tensor: null is no number.'),
])
def test_a_tensor_that_does_not_fit_is_told_why(server, model, fields, reason):
    assert refusal(server.post(model, data=fields)).startswith(reason)


def test_a_network_of_one_request_is_warmed_up_and_answers(server):
    answer = server.post('one', data={'data': '[[[1, 2], [3, 4]]]'})
    assert answer.json() == {'prediction': [[[2.0, 4.0, 6.0, 8.0]]]}
    assert 'is not warmed up' not in server.log
    assert 'Model one is served one request at a time: it fails when run together: ' in server.log

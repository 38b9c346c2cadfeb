"""tritonclient and KServe's client, as they are on PyPI, against a running server."""

import json
import re
import subprocess

import mxnet as mx
import numpy as np
import pytest
import requests
from dense_model import SIGNATURE, dense_symbol, dense_weights
from harness import KITTEN, PICTURES, REPO, TENSORS, Server, write_archive

CLIENTS = REPO / '.venv' / 'clients'
CALLS = REPO / 'tests' / 'open_inference'
SOFTMAX = [0.42474118, 0.57334042, 0.00191838]
LABELS = ['cat', 'dog', 'frog']


def symbolic(folder, name, symbol, weights, signature, files=()):
    """An archive of a symbol."""
    symbol.save(f'{folder}/s.json')
    mx.nd.save(f'{folder}/p.params', weights)
    read = {f'{name}-symbol.json': f'{folder}/s.json', f'{name}-0000.params': f'{folder}/p.params'}
    members = {member: open(path, 'rb').read() for member, path in read.items()}  # noqa: SIM115
    kind = 'vision' if signature['input_type'] == 'image/jpeg' else 'base'
    module = f'mxnet_{kind}_service' if kind == 'vision' else 'mxnet_model_service'
    base = 'MXNetVisionService' if kind == 'vision' else 'MXNetBaseService'
    source = f'from mms.model_service.{module} import {base}\n\n\nclass Mine({base}):\n    pass\n'
    return write_archive(folder, name, source=source, signature=signature,
                         files={**members, **dict(files)},
                         model={'Symbol': f'{name}-symbol.json', 'Model-Format': 'MXNet-Symbolic',
                                'Parameters': f'{name}-0000.params'})


def of_pictures(folder):
    scores = mx.sym.FullyConnected(mx.sym.flatten(mx.sym.var('data')), num_hidden=3, name='fc')
    weights = {'arg:fc_weight': mx.nd.array(np.linspace(-.001, .001, 576).reshape(3, 192)),
               'arg:fc_bias': mx.nd.zeros(3)}
    outputs = [{'data_name': 'softmax', 'data_shape': [0, 3]}]
    return symbolic(folder, 'pictures', mx.sym.softmax(scores, name='softmax'), weights,
                    {**PICTURES, 'outputs': outputs}, {'synset.txt': '\n'.join(LABELS)})


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp('served')
    (folder / 'store').mkdir()
    write_archive(folder / 'store', 'stored')
    any_shape = {**TENSORS, 'outputs': [{'data_name': 'out', 'data_shape': [0, 0]}]}
    archives = {'dense': symbolic(folder, 'dense', dense_symbol(), dense_weights(), SIGNATURE),
                'pictures': of_pictures(folder),
                'echo': write_archive(folder, 'echo', 'return [data[0]]', any_shape)}
    server = Server(folder, [
        '--models', *(f'{name}={path}' for name, path in archives.items()), '--workers', '1',
        '--management-port', '0', '--management-token', 'none', '--model-store',
        str(folder / 'store')])
    yield server.wait_until_up()
    server.stop()


def played(client, script, *words):
    if next(CLIENTS.glob(f'{client}/lib/python*/site-packages/{client}'), None) is None:
        pytest.skip(f'{client} is not installed: make .venv/.test')
    python = CLIENTS / client / 'bin' / 'python'
    done = subprocess.run([python, '-W', 'ignore', CALLS / script, *words], capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope='module')
def triton(server):
    management = re.search(r'Management endpoint: http://(\S+)', server.log)[1]
    return played('tritonclient', 'triton_calls.py', server.url.partition('//')[2], management,
                  str(KITTEN))


@pytest.fixture(scope='module')
def kserve(server):
    return played('kserve', 'kserve_calls.py', server.url, str(KITTEN))


def close(values):
    return np.allclose(values, SOFTMAX, atol=1e-5)


def test_triton_is_told_of_the_server_and_its_models(triton):
    for name in ('live', 'ready', 'model ready', 'version ready'):
        assert triton[name] is True
    for name in ('other version ready', 'unknown ready'):
        assert triton[name] is False
    assert triton['server']['name'] == 'mxnet-model-server'
    assert {'binary_tensor_data', 'model_repository', 'statistics'} <= set(
        triton['server']['extensions'])
    assert triton['metadata'] == {
        'name': 'dense', 'versions': ['1'], 'platform': 'mxnet_mxnet',
        'inputs': [{'name': name, 'datatype': 'FP32', 'shape': [-1, 4]}
                   for name in ('left', 'right')],
        'outputs': [{'name': 'softmax', 'datatype': 'FP32', 'shape': [-1, 3]}]}
    assert triton['metadata of pictures']['inputs'] == [
        {'name': 'data', 'datatype': 'BYTES', 'shape': [-1]}]
    assert triton['config']['input'][0] == {'name': 'left', 'data_type': 'TYPE_FP32',
                                            'dims': [-1, 4]}
    assert triton['unknown metadata']['status'] == '404'
    assert [(model['name'], model['state']) for model in triton['index']] == [
        ('dense', 'READY'), ('echo', 'READY'), ('pictures', 'READY')]


@pytest.mark.parametrize('way', ['binary', 'version', 'json', 'both'])
def test_triton_sends_tensors_in_every_way(triton, way):
    assert close(triton[way]['values'])
    assert (triton[way]['shape'], triton[way]['dtype']) == ([1, 3], 'float32')


def test_triton_gets_its_id_and_several_answers_at_once(triton):
    response = triton['response']
    assert (response['id'], response['model_name'], response['model_version']) == (
        'my id', 'dense', '1')
    assert all(close(each['values']) for each in triton['async'])


@pytest.mark.parametrize('coding', ['gzip', 'deflate'])
def test_triton_compresses_both_ways(triton, coding):
    found = triton[coding]
    assert (found['shape'], found['equal']) == ([600, 3], True)
    assert close(found['first'])


@pytest.mark.parametrize('name', ['BOOL', 'INT8', 'INT16', 'INT32', 'INT64', 'UINT8', 'UINT16',
                                  'UINT32', 'UINT64', 'FP16', 'FP32', 'FP64', 'BF16'])
def test_triton_sends_every_type_of_number(triton, name):
    # It refuses to send BF16 as JSON by itself.
    for way in ('binary', *(['JSON'] if name != 'BF16' else [])):
        assert triton[f'{name} in {way}']['values'] == [[0, 1], [1, 0]]


def test_triton_sends_texts_and_nothing(triton):
    for way in ('binary', 'JSON'):
        assert triton[f'BYTES in {way}']['values'] == [['größe', ''], ['b', 'c']]
    assert triton['empty']['values'] == [[]]


def test_triton_sends_pictures_and_gets_classes(server, triton):
    answer = server.post('pictures', files={'data': KITTEN.read_bytes()}).json()
    best, = answer['prediction']
    classes = triton['picture classes']['values'][0]
    assert [each.split(':')[2] for each in classes] == [each['class'] for each in best]
    assert max(triton['picture']['values'][0]) == pytest.approx(best[0]['probability'], abs=1e-6)
    assert [each.split(':')[1] for each in triton['classes']['values'][0]] == ['1', '0']


def test_triton_sends_several_pictures_and_gets_a_row_for_each(triton):
    one, classes = triton['picture']['values'][0], triton['picture classes']['values'][0]
    for binary in (True, False):
        several = triton[f'pictures {binary}']
        assert several['shape'] == [3, 3]
        assert np.allclose(several['values'], [one] * 3)
    assert triton['classes of pictures']['values'] == [classes] * 3


@pytest.mark.parametrize(('call', 'status', 'message'), [
    ('missing input', '400', 'expected 2 inputs but got 1: right is missing'),
    ('unknown input', '400', "unexpected inference input 'up'"),
    ('unknown output', '400', "unexpected inference output 'y' for model 'dense'"),
    ('wrong shape', '400', 'Input left has the shape [1, 5]'),
    ('no picture', '400', 'its bytes are no picture'),
    ('one is no picture', '400', 'data[1]: '),
    ('unknown model', '404', 'GET /v2/models lists the models'),
    ('unknown version', '404', "has no version '7'"),
    ('load', '403', 'on the management port alone'),
    ('nothing to load', '404', 'Model not found: nowhere'),
    ('nothing to unload', '404', 'Model not found: nowhere'),
    ('load with config', '400', 'Parameter config is not supported')])
def test_triton_is_told_what_is_wrong(triton, call, status, message):
    assert triton[call]['status'] == status
    assert message in triton[call]['message']


def test_triton_gets_statistics(triton):
    dense, = triton['statistics']['model_stats']
    stats = dense['inference_stats']
    assert (dense['name'], dense['version'], dense['last_inference'] > 1e12) == ('dense', '1', True)
    assert stats['success']['count'] == dense['inference_count'] >= dense['execution_count'] >= 5
    assert stats['fail']['count'] >= 4
    assert all(stats[name]['ns'] > 0 for name in ('success', 'fail', 'queue', 'compute_input',
                                                  'compute_infer', 'compute_output'))
    assert sum(each['batch_size'] * each['compute_infer']['count']
               for each in dense['batch_stats']) == dense['inference_count']
    assert {each['name'] for each in triton['all statistics']['model_stats']} == {
        'dense', 'pictures', 'echo'}


def test_triton_unloads_and_loads_on_the_management_port(triton):
    states = {each['name']: (each['state'], each['reason']) for each in triton['unloaded index']}
    assert states['echo'] == ('UNAVAILABLE', 'unloaded')
    assert [triton[name] for name in ('unloaded ready', 'loaded ready', 'stored ready',
                                      'stored ready again')] == [False, True, True, True]


@pytest.mark.parametrize('way', ['json', 'binary', 'binary answer'])
def test_kserve_sends_tensors_in_every_way(kserve, way):
    found = kserve[way]
    assert close(found['values'])
    assert (found['id'], found['model'], found['name'], found['datatype']) == (
        'my id', 'dense', 'softmax', 'FP32')


def test_kserve_is_told_of_health_and_reads_what_its_library_unpacks(kserve):
    assert (kserve['live'], kserve['ready'], kserve['model ready'], kserve['unknown ready']) == (
        True, True, True, False)
    assert (kserve['compressed answer']['shape'], kserve['picture']['shape']) == ([600, 3], [1, 3])


@pytest.mark.parametrize(('call', 'status', 'message'), [
    ('missing input', 400, 'right is missing'), ('unknown model', 404, 'GET /v2/models lists')])
def test_kserve_is_told_what_is_wrong(kserve, call, status, message):
    assert kserve[call]['status'] == status
    assert message in kserve[call]['message']


def test_what_they_ask_is_counted_as_predictions(server, triton, kserve):
    text = requests.get(f'{server.url}/metrics').text
    counted = re.search(r'mms_requests_total\{code="200",model="dense",protocol="inference_v2"\} '
                        r'(\S+)', text)
    assert float(counted[1]) >= 10

"""Models of ``mx.np``, saved after ``mx.npx.set_np()`` and served by the built-in services."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import mxnet as mx
import numpy as np
import pytest
from harness import KITTEN, Server
from mxnet.gluon import nn

from mms.utils.mxnet import image

VISION = 'from mms.model_service.mxnet_vision_service import MXNetVisionService\n'
GLUON = '''
import mxnet as mx
from mms.model_service.mxnet_model_service import GluonImperativeBaseService
{set_np}
class Service(GluonImperativeBaseService):
    def __init__(self, name, folder, manifest, gpu=None):
        net = mx.gluon.nn.HybridSequential()
        net.add(mx.gluon.nn.Dense(2, in_units=3))
        super().__init__(name, folder, manifest, net, gpu)
    def _inference(self, data):
        return self.net(mx.np.array(data[0], dtype='float32')).asnumpy().tolist()
'''
OWN = '''
import mxnet as mx
from mms.model_service.mxnet_model_service import MXNetBaseService
mx.npx.set_np()
class Service(MXNetBaseService):
    def _postprocess(self, data):
        return [float(mx.np.sum(output.as_np_ndarray())) for output in data]
'''
ROWS = np.random.default_rng(4).normal(size=(4, 3)).round(2).astype('float32')


class Scalar(nn.HybridBlock):
    """An output of a row each, one number for all, and one number each."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Dense(2)

    def hybrid_forward(self, F, x):
        y = self.dense(x)
        return y, F.np.sum(y), F.np.argmax(y, axis=1)


class Rows(nn.HybridBlock):
    """Outputs that follow the batch axis."""

    def __init__(self):
        super().__init__()
        self.dense, self.norm = nn.Dense(4), nn.BatchNorm()

    def hybrid_forward(self, F, x):
        y = self.norm(self.dense(x))
        return F.npx.softmax(y, axis=-1), F.np.max(y, axis=1)


class Pixels(nn.HybridBlock):
    """Chances of a picture."""

    def __init__(self):
        super().__init__()
        self.conv, self.dense = nn.Conv2D(4, 3), nn.Dense(3)

    def hybrid_forward(self, F, x):
        return F.npx.softmax(self.dense(F.np.mean(self.conv(x / 255), axis=(2, 3))))


def signature(folder, shape, input_type='application/json', **more):
    (folder / 'signature.json').write_text(json.dumps({
        'inputs': [{'data_name': 'data', 'data_shape': shape}], 'outputs': [],
        'input_type': input_type, 'output_type': 'application/json', **more}))


def saved(folder, make, shape):
    """Export the net that `make` makes; what computes its answers."""
    mx.npx.set_np()
    try:
        net = make()
        net.initialize(mx.init.Uniform(1))
        net.hybridize()
        net(mx.np.ones(shape))
        net.export(str(folder / 'net'))
    finally:
        mx.npx.reset_np()

    def direct(data):
        mx.npx.set_np()
        try:
            outputs = net(mx.np.array(data))
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            return [output.asnumpy() for output in outputs]
        finally:
            mx.npx.reset_np()

    return direct


def packed(folder, name, *words):
    result = subprocess.run(
        [sys.executable, '-m', 'mms.export_model', '--model-name', name,
         '--model-path', str(folder), *words], cwd=folder.parent, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return folder.parent / f'{name}.model'


@pytest.fixture(scope='module')
def directs():
    return {}


@pytest.fixture(scope='module')
def server(tmp_path_factory, directs):
    top, archives = tmp_path_factory.mktemp('numpy'), {}
    for name, make, shape in (('scalar', Scalar, (2, 3)), ('rows', Rows, (2, 3)),
                             ('own', Scalar, (2, 3)), ('pixels', Pixels, (1, 3, 9, 9))):
        folder = top / name
        folder.mkdir()
        directs[name] = saved(folder, make, shape)
        signature(folder, [0, *shape[1:]], output_format='lists')
        archives[name] = folder
    signature(archives['pixels'], [0, 3, 9, 9], 'image/jpeg')
    (archives['pixels'] / 'synset.txt').write_text('ash\nbeech\ncedar\n')
    (top / 'vision.py').write_text(VISION)
    (top / 'own.py').write_text(OWN)
    words = {'pixels': ('--service-file-path', str(top / 'vision.py')),
             'own': ('--service-file-path', str(top / 'own.py'))}
    models = [f'{name}={packed(folder, name, *words.get(name, ()))}'
              for name, folder in archives.items()]
    server = Server(tmp_path_factory.mktemp('server'), ['--workers', '1', '--models', *models])
    yield server.wait_until_up()
    server.stop()


def asked(server, name, rows):
    answer = server.post(name, data={'data': json.dumps(rows.tolist())})
    assert answer.status_code == 200, answer.text
    return answer.json()['prediction']


@pytest.mark.measured
@pytest.mark.parametrize('name', ['scalar', 'rows'])
def test_answers_are_those_of_the_net_alone_and_several_at_once(server, directs, name):
    requests = [ROWS[:1], ROWS[:2], ROWS[1:4], ROWS[2:3], ROWS[3:]]
    expected = [directs[name](rows) for rows in requests]

    def check(index):
        got = asked(server, name, requests[index])
        assert len(got) == len(expected[index])
        for one, other in zip(got, expected[index]):
            assert np.shape(one) == other.shape
            assert np.allclose(one, other, atol=1e-5)

    for index in range(len(requests)):
        check(index)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(check, list(range(len(requests))) * 8))
    assert f'Model {name} is not warmed up' not in server.log


def test_only_outputs_that_follow_the_batch_axis_share_batches(server):
    """Runs after the test above, which has asked several at once."""
    assert 'Model rows is served one request at a time' not in server.log
    assert 'does not follow the batch axis' in server.log


def test_a_vision_service_tells_the_likeliest_class(server, directs):
    pixels = image.transform_shape(image.resize(image.read(KITTEN.read_bytes()), 9, 9))
    chances = directs['pixels'](pixels.asnumpy().astype('float32'))[0][0]
    answer = server.post('pixels', files={'data': ('x.jpg', KITTEN.read_bytes(), 'image/jpeg')})
    assert answer.status_code == 200, answer.text
    best = answer.json()['prediction'][0][0]
    assert best['probability'] == pytest.approx(max(chances), abs=1e-4)


def test_a_service_file_may_set_np_by_itself(server, directs):
    sums = [output.sum() for output in directs['own'](ROWS)]
    assert np.allclose(asked(server, 'own', ROWS), sums, atol=1e-4)


@pytest.mark.parametrize('sets_np', [True, False])
def test_weights_of_a_gluon_net_of_numpy_need_a_service_that_sets_np(tmp_path, launch, sets_np):
    folder = tmp_path / 'net'
    folder.mkdir()
    mx.npx.set_np()
    try:
        net = nn.HybridSequential()
        net.add(nn.Dense(2, in_units=3))
        net.initialize(mx.init.Uniform(1))
        net.save_parameters(str(folder / 'net-0000.params'))
        expected = net(mx.np.array(ROWS)).asnumpy()
    finally:
        mx.npx.reset_np()
    signature(folder, [0, 3])
    service = tmp_path / 'service.py'
    service.write_text(GLUON.format(set_np='mx.npx.set_np()' if sets_np else ''))
    archive = packed(folder, 'net', '--service-file-path', str(service))
    server = launch('--workers', '1', '--models', f'net={archive}')
    if sets_np:
        assert np.allclose(asked(server.wait_until_up(), 'net', ROWS), expected, atol=1e-5)
    else:
        assert server.wait() == 1
        assert 'net-0000.params do not load into HybridSequential' in server.stderr
        assert ('it was saved after mx.npx.set_np(): call mx.npx.set_np() at the top of the '
                'service file') in server.stderr

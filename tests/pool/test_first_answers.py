"""A warm-up changes no answer: what it would spoil meets its first request as it was made."""

import json

import pytest
from fleet import mxnet_service
from harness import predicted, work

from mms import mxnet_compat

COUNTS = '''self.count = getattr(self, 'count', 0) + 1
return data[0] * 0 + self.count'''
# As a network of int8 without calibrated ranges, which takes them from its first forward.
CALIBRATES = '''if getattr(self, 'largest', None) is None: self.largest = data[0].max().asscalar()
return mx.nd.clip(data[0], 0, self.largest)'''
BY_CHANCE = 'return data[0] + mx.nd.random.uniform(shape=data[0].shape)'
UNFORKABLE = 'import socket\nPAIR = socket.socketpair()\n'

NETWORK = '''
from mms.model_service.mxnet_model_service import MXNetBaseService


class Quantized(MXNetBaseService):
    pass
'''


@pytest.fixture
def logged(caplog):
    caplog.set_level('INFO')
    return caplog


def ask(workers, text):
    worker = workers.acquire()
    try:
        return json.loads(predicted(worker.exchange(work(text)).answers[0]))
    finally:
        workers.release(worker)


def cold(logged):
    return [line for line in logged.messages if 'is not warmed up' in line]


@pytest.mark.parametrize('head', ['', UNFORKABLE])
@pytest.mark.parametrize('body', [COUNTS, CALIBRATES])
def test_a_service_that_remembers_answers_as_a_new_one_does(supervise, logged, head, body):
    workers = supervise(source=head + mxnet_service(body))
    expected = [[1.0, 1.0]] if body is COUNTS else [[3.0, 7.0]]
    assert ask(workers, '[[3, 7]]') == expected
    [line] = cold(logged)
    assert 'it remembers what it has answered: ' in line
    assert workers.ready.batch_size == 1
    # It was seen to answer, all the same.
    assert workers.ready.answers_samples


@pytest.mark.measured
def test_a_service_that_cannot_be_made_twice_is_served_without_a_warm_up(
        supervise, logged, tmp_path):
    # As one that listens on a port.
    locked = (f'self.loaded_in = os.getpid(); HELD.append(open({str(tmp_path / "lock")!r}, "a")); '
              'fcntl.flock(HELD[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)')
    workers = supervise(source='import fcntl\nHELD = []\n' + UNFORKABLE + mxnet_service(
        'pass').replace('self.loaded_in = os.getpid()', locked))
    assert ask(workers, '[[3, 7]]') == [[6.0, 14.0]]
    [line] = cold(logged)
    assert 'cannot be seen' in line


def test_a_service_that_answers_by_chance_is_warmed_up(supervise, logged):
    workers = supervise(source=mxnet_service(BY_CHANCE))
    assert cold(logged) == []
    assert ask(workers, '[[3, 7]]')[0][0] == pytest.approx(3.5, abs=0.5)


@pytest.mark.measured
def test_a_network_of_int8_without_calibrated_ranges_answers_as_mxnet_does(
        supervise, logged, tmp_path):
    sample, expected = quantized(tmp_path / 'int8')
    files = {name: (tmp_path / 'int8' / name).read_bytes() for name in (
        'm-symbol.json', 'm-0000.params')}
    workers = supervise(source=NETWORK, files=files, signature={
        'inputs': [{'data_name': 'data', 'data_shape': [0, 3, 16, 16]}],
        'input_type': 'application/json', 'outputs': [], 'output_type': 'application/json',
        'output_format': 'lists'}, model={
            'Symbol': 'm-symbol.json', 'Parameters': 'm-0000.params',
            'Model-Format': 'MXNet-Symbolic'})
    [[answer]] = ask(workers, json.dumps(sample))
    assert answer == pytest.approx(expected, rel=1e-4)
    assert any(answer)
    assert len(cold(logged)) == 1


def quantized(folder):
    """Write a small convolutional network of int8, each layer of which takes its range from its
    first forward; a sample, and what MXNet answers to it.
    """
    mxnet_compat.prepare()
    import mxnet as mx
    import numpy as np
    from mxnet.contrib.quantization import quantize_model

    folder.mkdir()
    data = mx.sym.Variable('data')
    hidden = mx.sym.Activation(mx.sym.Convolution(data, num_filter=8, kernel=(3, 3), name='conv0'),
                               act_type='relu', name='relu0')
    pooled = mx.sym.Pooling(hidden, kernel=(2, 2), stride=(2, 2), pool_type='max')
    network = mx.sym.FullyConnected(mx.sym.Flatten(pooled), num_hidden=5, name='fc0')
    source = np.random.RandomState(1)
    shapes, _, _ = network.infer_shape(data=(1, 3, 16, 16))
    weights = {name: mx.nd.array(source.normal(size=shape) * 0.1)
               for name, shape in zip(network.list_arguments(), shapes) if name != 'data'}
    symbol, args, aux = quantize_model(
        sym=network.get_backend_symbol('MKLDNN_QUANTIZE'), arg_params=weights, aux_params={},
        data_names=('data',), label_names=None, ctx=mx.cpu(), calib_mode='none',
        quantized_dtype='auto', quantize_mode='full')
    symbol = symbol.get_backend_symbol('MKLDNN_QUANTIZE')
    mx.model.save_checkpoint(str(folder / 'm'), 0, symbol, args, aux)
    sample = (source.uniform(size=(1, 3, 16, 16)) * 255).round(2)
    module = mx.mod.Module(symbol, data_names=['data'], label_names=None)
    module.bind(for_training=False, data_shapes=[('data', (1, 3, 16, 16))])
    module.set_params(args, aux)
    module.forward(mx.io.DataBatch([mx.nd.array(sample)]))
    return sample.tolist(), module.get_outputs()[0].asnumpy()[0].tolist()

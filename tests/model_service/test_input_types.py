"""Numbers of other types than float32, in and out."""

import json
import time
import tracemalloc

import mxnet as mx
import numpy as np
import pytest
from mxnet import sym

from mms.errors import BadRequest
from mms.model_service.mxnet_model_service import MXNetBaseService
from mms.model_service.mxnet_vision_service import MXNetVisionService
from mms.mxnet_engine.tensors import tensor_of

# float32 holds no odd number above this.
LARGE = 2**24 + 1


def signature(**shapes):
    return {'inputs': [{'data_name': name, 'data_shape': shape} for name, shape in shapes.items()],
            'outputs': [], 'input_type': 'application/json', 'output_type': 'application/json'}


@pytest.mark.parametrize('declared', ['int32', 'int64'])
def test_whole_numbers_stay_whole_where_the_network_declares_them(model_folder, declared):
    symbol = sym.var('ids', dtype=declared) + sym.var('more', dtype=declared)
    service = MXNetBaseService(*model_folder(symbol, {}, signature(ids=[0, 2], more=[0, 2])))
    assert service.inference([[[LARGE, 1]], [[1, 1]]]) == [f'[[{LARGE + 1}, 2]]']
    assert service.inference([[[LARGE, 1]] * 3, [[0, 1]] * 3]) == [str([[LARGE, 2]] * 3)]


@pytest.mark.parametrize('declared', [None, 'int32'])
def test_an_embedding_takes_words_of_any_number(model_folder, declared):
    symbol = sym.Embedding(sym.var('words', dtype=declared), input_dim=9, output_dim=2, name='e')
    table = np.arange(18.).reshape(9, 2)
    service = MXNetBaseService(*model_folder(symbol, {'arg:e_weight': mx.nd.array(table)},
                                             signature(words=[1, 0])))
    for words in ([[1, 2, 3]], [[8]], [[0, 0, 5, 7]], [[1, 2], [3, 4]]):
        assert json.loads(service.inference([words])[0]) == table[words].tolist()


@pytest.mark.parametrize(('bad', 'reason'), [
    ([[2**40]], 'must hold whole numbers from -2147483648 to 2147483647'),
    ([[float('nan')]], 'must hold whole numbers from'),
    ([[10**400]], 'must hold whole numbers from'), ([[1.5]], 'must hold whole numbers from'),
    ([[float('inf')]], 'must hold whole numbers from'),
    ([['x']], 'is no tensor'), ([['7']], 'is no tensor'),
    ([[None]], 'is no tensor: null is no number'),
    ([[1], [2, 3]], 'is no tensor'), ([[1], [2**70, 3]], 'is no tensor'),
])
def test_what_a_type_of_whole_numbers_cannot_hold_is_a_bad_request(model_folder, bad, reason):
    service = MXNetBaseService(*model_folder(sym.var('ids', dtype='int32') + 0, {},
                                             signature(ids=[0, 1])))
    assert service.inference([[[2.0]]]) == ['[[2]]']
    with pytest.raises(BadRequest, match=f'Input ids {reason}'):
        service.inference([bad])


@pytest.mark.parametrize('declared', [None, 'float64', 'int32'])
def test_a_long_text_among_many_items_takes_no_memory(declared):
    lists = [['a' * 10_000, *[''] * 999]]
    tracemalloc.start()
    with pytest.raises(BadRequest, match='Input data is no tensor'):
        tensor_of(lists, 'data', np.dtype(declared).type if declared else None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * 2**20


@pytest.mark.parametrize('declared', [None, 'float64', 'float16', 'int32', 'int64', 'bool'])
@pytest.mark.parametrize('bad', [[[None, 1]], [[True, None]], [[1, 2], None], [[1, 2], [None]],
                                 [None], [(1, None)]])
def test_null_is_no_number_whatever_the_type(declared, bad):
    kind = np.dtype(declared).type if declared else None
    with pytest.raises(BadRequest, match='Input data is no tensor: null is no number'):
        tensor_of(bad, 'data', kind)


@pytest.mark.parametrize('cls', [MXNetBaseService, MXNetVisionService])
def test_a_service_refuses_null_and_takes_nan(model_folder, cls):
    service = cls(*model_folder(sym.var('data') + 1, {}, {**signature(data=[0, 2]),
                                                          'output_format': 'lists'}))
    with pytest.raises(BadRequest, match='Input data is no tensor: null is no number'):
        service.inference([[[1, None]]])
    [[[number, nan]]] = service.inference([[[1, float('nan')]]])
    assert number == 2
    assert np.isnan(nan)


def test_to_look_for_null_costs_a_large_tensor_next_to_nothing():
    lists = np.random.default_rng(5).uniform(size=(3, 224, 224)).tolist()

    def seconds(make):
        times = []
        for _ in range(7):
            start = time.thread_time()
            make()
            times.append(time.thread_time() - start)
        return min(times)

    # A look at each number by itself takes ten times as long.
    assert seconds(lambda: tensor_of(lists, 'data')) < 3 * seconds(lambda: mx.nd.array(lists))


def test_one_number_takes_no_digit_of_another(model_folder):
    service = MXNetBaseService(*model_folder(sym.var('ids', dtype='int64') + 0, {},
                                             signature(ids=[0, 2])))
    assert service.inference([[[2**53 + 1, 2.0]]]) == [f'[[{2**53 + 1}, 2]]']
    assert service.inference([[[2**63 - 1, -2**63]]]) == [f'[[{2**63 - 1}, {-2**63}]]']
    for bad in (2**63, -2**63 - 1, 1e30):
        with pytest.raises(BadRequest, match='must hold whole numbers from'):
            service.inference([[[bad, 1]]])


def test_a_number_that_is_too_large_for_float32_is_a_bad_request(model_folder):
    service = MXNetBaseService(*model_folder(sym.var('data') * 2, {}, signature(data=[0, 1])))
    with pytest.raises(BadRequest, match='Input data is no tensor'):
        service.inference([[[10**400]]])


def half_weights(net):
    return {('aux:' if 'running' in name else 'arg:') + name: parameter.data()
            for name, parameter in net.collect_params().items()}


@pytest.mark.parametrize('casts', [False, True], ids=['as Gluon casts', 'casts inside'])
def test_a_network_of_float16_runs_on_the_cpu_in_float32(model_folder, casts):
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Dense(5, in_units=3), mx.gluon.nn.BatchNorm(in_channels=5),
            mx.gluon.nn.Dense(2, in_units=5))
    net.initialize(mx.init.Uniform(1))
    rows = np.random.default_rng(1).normal(size=(4, 3)).round(2)
    expected = net(mx.nd.array(rows)).asnumpy()
    net.cast('float16')
    data = sym.cast(sym.var('data'), dtype='float16') if casts else sym.var('data')
    symbol = sym.Group([net(data), sym.cast(net(data), dtype='float32')]) if casts else net(data)
    service = MXNetBaseService(*model_folder(symbol, half_weights(net), signature(data=[0, 3])))
    for text in service.inference([rows.tolist()]):
        assert np.allclose(json.loads(text), expected, atol=5e-3)


def test_parameters_of_float16_alone_are_no_hindrance(model_folder):
    symbol = sym.FullyConnected(sym.var('data'), num_hidden=1, no_bias=True, name='fc')
    weight = mx.nd.array([[.5, .25]], dtype='float16')
    service = MXNetBaseService(*model_folder(symbol, {'arg:fc_weight': weight},
                                             signature(data=[0, 2])))
    assert service.inference([[[1, 2]]]) == ['[[1.0]]']


def test_outputs_may_be_of_any_number_shape_and_type(model_folder):
    data = sym.var('data')
    symbol = sym.Group([data * 2, sym.cast(sym.argmax(data, axis=1), dtype='int64'),
                        sym.sum(data), sym.reshape(data, shape=(0, 1, -1))])
    service = MXNetBaseService(*model_folder(symbol, {}, signature(data=[0, 3])))
    assert service.inference([[[1, 3, 2], [4, 0, 0]]]) == [
        '[[2.0, 6.0, 4.0], [8.0, 0.0, 0.0]]', '[1, 0]', '[10.0]',
        '[[[1.0, 3.0, 2.0]], [[4.0, 0.0, 0.0]]]']


def test_inputs_come_in_the_order_of_the_signature(model_folder):
    symbol = sym.FullyConnected(sym.var('left') - 2 * sym.var('right'), num_hidden=1, no_bias=True,
                                name='fc')
    assert symbol.list_arguments()[:2] == ['left', 'right']
    weights = {'arg:fc_weight': mx.nd.array([[1, 10]])}
    right_first = MXNetBaseService(*model_folder(symbol, weights,
                                                 signature(right=[0, 2], left=[0, 2])))
    assert right_first.inference([[[1, 1]], [[5, 7]]]) == ['[[53.0]]']
    left_first = MXNetBaseService(*model_folder(symbol, weights,
                                                signature(left=[0, 2], right=[0, 2])))
    assert left_first.inference([[[5, 7]], [[1, 1]]]) == ['[[53.0]]']

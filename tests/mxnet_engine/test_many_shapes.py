"""A Module bound once for each batch size."""

import time

import mxnet as mx
import numpy as np
import pytest
from mxnet.io import DataBatch

from mms.model_service.mxnet_model_service import MXNetBaseService
from mms.mxnet_engine import symbolic
from mms.mxnet_engine.many_shapes import MAX_BOUND
from mms.mxnet_engine.training_parts import inference_symbol

pytestmark = pytest.mark.core


def small_convnet():
    layer = mx.sym.var('data')
    for index in range(6):
        layer = mx.sym.Convolution(layer, kernel=(3, 3), pad=(1, 1), num_filter=8, no_bias=True,
                                   name=f'conv{index}')
        layer = mx.sym.Activation(mx.sym.BatchNorm(layer, name=f'bn{index}'), act_type='relu')
    layer = mx.sym.FullyConnected(layer, num_hidden=3, name='fc')
    return mx.sym.SoftmaxOutput(layer, name='softmax')


def bound(shape=(1, 3, 8, 8)):
    symbol = small_convnet()
    arguments, _, states = symbol.infer_shape(data=shape)
    rng = np.random.default_rng(3)
    args = {name: mx.nd.array(rng.normal(size=size, scale=.3)) for name, size in
            zip(symbol.list_arguments(), arguments) if name not in ('data', 'softmax_label')}
    aux = {name: mx.nd.array(rng.uniform(.5, 1, size))
           for name, size in zip(symbol.list_auxiliary_states(), states)}
    network = symbolic.Network(inference_symbol(symbol, ['data'], args).symbol, args, aux,
                               'here.params')
    return symbolic.bind(network, [('data', shape)], mx.cpu()), network


def run(module, data):
    module.forward(DataBatch([data]))
    return module.get_outputs()[0].asnumpy()


def pictures(rows, side=8):
    return mx.nd.array(np.random.default_rng(rows).uniform(size=(rows, 3, side, side)))


@pytest.fixture
def binds(monkeypatch):
    """The batch sizes that executors are made for."""
    made = []
    bind, reshape = mx.symbol.Symbol.simple_bind, mx.executor.Executor.reshape

    def counting_bind(self, *args, **shapes):
        made.append(shapes['data'][0])
        return bind(self, *args, **shapes)

    def counting_reshape(self, *args, **shapes):
        made.append(shapes['data'][0])
        return reshape(self, *args, **shapes)

    monkeypatch.setattr(mx.symbol.Symbol, 'simple_bind', counting_bind)
    monkeypatch.setattr(mx.executor.Executor, 'reshape', counting_reshape)
    return made


def test_a_change_between_sizes_binds_each_once_and_all_answers_are_right(binds):
    module, _ = bound()
    alone = {rows: np.concatenate([run(module, pictures(rows)[row:row + 1])
                                   for row in range(rows)]) for rows in (1, 2, 3, 8)}
    for rows in (1, 8, 2, 1, 3, 8, 2, 3, 1, 1, 8):
        assert np.allclose(run(module, pictures(rows)), alone[rows], atol=1e-6)
        assert module.data_shapes[0].shape[0] == rows
    assert binds == [1, 8, 2, 3]


def test_all_that_are_bound_share_one_copy_of_the_parameters():
    module, network = bound()
    run(module, pictures(2))
    second = module._exec_group.execs[0]
    run(module, pictures(1))
    first = module._exec_group.execs[0]
    assert first is not second
    first.arg_dict['fc_weight'][:] = 7
    first.aux_dict['bn0_moving_var'][:] = 5
    assert (second.arg_dict['fc_weight'].asnumpy() == 7).all()
    assert (second.aux_dict['bn0_moving_var'].asnumpy() == 5).all()


def test_the_least_recently_used_go(binds):
    module, _ = bound()
    for rows in range(1, MAX_BOUND + 2):
        run(module, pictures(rows))
    del binds[:]
    run(module, pictures(2))
    assert binds == []
    run(module, pictures(1))
    assert binds == [1]


def test_a_shape_that_does_not_fit_leaves_the_module_as_it_was():
    module, _ = bound()
    right = run(module, pictures(1))
    with pytest.raises((RuntimeError, mx.base.MXNetError)):
        run(module, pictures(1, side=5))
    assert np.array_equal(run(module, pictures(1)), right)


def test_what_a_small_network_gives_back_is_bound_anew_when_it_comes(binds):
    module, _ = bound()
    answers = {rows: run(module, pictures(rows)) for rows in (1, 4, 16, 2)}
    module.give_back()
    binds.clear()
    for rows in (1, 16, 4, 16):
        assert np.allclose(run(module, pictures(rows)), answers[rows], atol=1e-6)
    assert len(binds) == 2


def test_a_network_of_many_parameters_gives_nothing_back(binds, monkeypatch):
    monkeypatch.setattr('mms.mxnet_engine.many_shapes._QUICKLY_BOUND_BYTES', 100)
    module, _ = bound()
    run(module, pictures(4))
    module.give_back()
    binds.clear()
    run(module, pictures(4))
    assert len(binds) == 0


def test_it_can_be_bound_anew():
    module, network = bound()
    run(module, pictures(2))
    module.bind([('data', (2, 3, 8, 8))], for_training=False, force_rebind=True)
    module.set_params(network.args, network.aux)
    assert np.allclose(run(module, pictures(1)), run(bound()[0], pictures(1)), atol=1e-6)


def test_alternating_costs_little_more_than_staying():
    module, _ = bound()
    first, second = pictures(1), pictures(2)

    def seconds(*batches):
        times = []
        for _ in range(30):
            start = time.thread_time()
            for batch in batches:
                run(module, batch)
            times.append(time.thread_time() - start)
        return min(times)

    seconds(first, second)
    assert seconds(first, second) < 3 * (seconds(first) + seconds(second))


@pytest.mark.parametrize('loss', [False, True])
def test_a_service_keeps_its_one_module(model_folder, dense, loss):
    service = MXNetBaseService(*model_folder(dense.symbol(loss), dense.weights()))
    module = service.mx_model
    for rows in (1, 3, 1, 3):
        outputs = service._inference([mx.nd.ones((rows, 4))] * 2)
        assert outputs[0].shape == (rows, 3)
        assert service.mx_model is module
        # Some services of 2018 ask the Module itself.
        assert module.get_outputs()[0].shape == (rows, 3)

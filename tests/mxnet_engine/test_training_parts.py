"""Symbols that were saved as they were trained: labels, losses, begin states."""

import json
import logging

import mxnet as mx
import numpy as np
import pytest
from mxnet import sym

from mms.errors import ServiceError
from mms.model_service.mxnet_model_service import MXNetBaseService

ROWS = np.random.default_rng(1).normal(size=(3, 4)).round(2)


def signature(**shapes):
    return {'inputs': [{'data_name': name, 'data_shape': shape} for name, shape in shapes.items()],
            'outputs': [], 'input_type': 'application/json', 'output_type': 'application/json'}


def random_weights(symbol, without=(), **shapes):
    """Parameters for all arguments of `symbol` but the inputs and those named."""
    arguments, _, states = symbol.infer_shape_partial(**shapes)
    rng = np.random.default_rng(2)
    weights = {f'arg:{name}': mx.nd.array(rng.normal(size=shape, scale=.5))
               for name, shape in zip(symbol.list_arguments(), arguments)
               if name not in (*shapes, *without)}
    return {**weights, **{f'aux:{name}': mx.nd.array(rng.uniform(.5, 1, size=shape))
                          for name, shape in zip(symbol.list_auxiliary_states(), states)}}


def run(symbol, weights, **inputs):
    """The outputs of the symbol as it is, bound without any service."""
    arrays = {**inputs, **{name[4:]: array.asnumpy() for name, array in weights.items()}}
    executor = symbol.simple_bind(mx.cpu(), grad_req='null', **{
        name: np.shape(arrays[name]) for name in symbol.list_arguments() if name in arrays})
    for holder in (executor.arg_dict, executor.aux_dict):
        for name, array in holder.items():
            array[:] = arrays.get(name, 0)
    return [output.asnumpy() for output in executor.forward(is_train=False)]


def answer(service, *inputs):
    return [json.loads(text) for text in service.inference([
        array.tolist() if isinstance(array, np.ndarray) else array for array in inputs])]


def scores(name='fc', size=3):
    return sym.FullyConnected(sym.var('data'), num_hidden=size, name=name)


@pytest.mark.parametrize('head', ['SoftmaxOutput', 'LinearRegressionOutput', 'SVMOutput',
                                  'LogisticRegressionOutput', 'MAERegressionOutput'])
@pytest.mark.parametrize('label', [None, 'wanted', 'reshaped', 'batch of its own'])
def test_nobody_gives_the_label_of_a_head(model_folder, head, label):
    outputs = scores()
    options = {}
    if label == 'reshaped':
        options['label'] = sym.reshape(sym.var('wanted'), shape=(-1,))
    elif label == 'batch of its own':
        outputs = sym.reshape(scores(size=6), shape=(-1, 3))
    elif label:
        options['label'] = sym.var(label)
    trained = getattr(sym, head)(outputs, name='head', **options)
    weights = random_weights(outputs, data=(1, 4))
    service = MXNetBaseService(*model_folder(trained, weights, signature(data=[0, 4])))
    as_function = {'SoftmaxOutput': sym.softmax, 'LogisticRegressionOutput': sym.sigmoid}
    [expected] = run(as_function.get(head, lambda same: same)(outputs), weights, data=ROWS)
    for rows in (1, 3):
        [got] = answer(service, ROWS[:rows])
        assert np.allclose(got, expected[:len(got)], atol=1e-5)


def test_several_heads_each_with_a_label(model_folder):
    data = sym.var('data')
    first = sym.FullyConnected(data, num_hidden=3, name='first')
    second = sym.FullyConnected(data, num_hidden=2, name='second')
    trained = sym.Group([sym.SoftmaxOutput(first, sym.var('kind')),
                         sym.LinearRegressionOutput(second, sym.var('place'))])
    weights = random_weights(sym.Group([first, second]), data=(1, 4))
    service = MXNetBaseService(*model_folder(trained, weights, signature(data=[0, 4])))
    expected = run(sym.Group([sym.softmax(first), second]), weights, data=ROWS)
    for got, right in zip(answer(service, ROWS), expected):
        assert np.allclose(got, right, atol=1e-5)


@pytest.mark.parametrize('loss', [
    lambda made: sym.MakeLoss(sym.square(made - sym.var('truth')), name='loss'),
    lambda made: sym.make_loss(sym.mean(sym.abs(made - sym.var('truth'))), name='loss'),
    lambda made: sym.mean(-sym.pick(sym.log_softmax(made), sym.var('cls_label')), name='loss'),
    lambda made: sym.softmax_cross_entropy(made, sym.var('truth'), name='loss'),
], ids=['MakeLoss', 'make_loss', 'by name', 'cross entropy'])
def test_an_output_that_compares_with_a_label_is_left_out(model_folder, loss, caplog):
    made = scores()
    trained = sym.Group([loss(made), sym.BlockGrad(made, name='made')])
    weights = random_weights(made, data=(1, 4))
    with caplog.at_level(logging.INFO):
        service = MXNetBaseService(*model_folder(trained, weights, signature(data=[0, 4])))
    assert 'since they compare with a label: loss_' in caplog.text
    [got] = answer(service, ROWS)
    assert np.allclose(got, run(made, weights, data=ROWS)[0], atol=1e-5)


class Scale(mx.operator.CustomOp):
    def forward(self, is_train, req, in_data, out_data, aux):
        self.assign(out_data[0], req[0], in_data[0] * 3)


@mx.operator.register('scale_with_label')
class ScaleProp(mx.operator.CustomOpProp):
    def list_arguments(self):
        return ['data', 'label']

    def infer_shape(self, in_shape):
        return [in_shape[0], in_shape[0][:1]], [in_shape[0]], []

    def create_operator(self, ctx, shapes, dtypes):
        return Scale()


def test_nobody_gives_the_label_of_an_operator_in_python(model_folder):
    symbol = sym.Custom(scores(), op_type='scale_with_label', name='custom')
    assert 'custom_label' in symbol.list_arguments()
    weights = random_weights(scores(), data=(1, 4))
    service = MXNetBaseService(*model_folder(symbol, weights, signature(data=[0, 4])))
    [expected] = run(scores(), weights, data=ROWS)
    assert np.allclose(answer(service, ROWS)[0], expected * 3, atol=1e-5)


def test_what_a_loss_stands_behind_is_kept_where_it_compares_with_nothing(model_folder):
    symbol = sym.MakeLoss(scores(), grad_scale=0)
    weights = random_weights(symbol, data=(1, 4))
    service = MXNetBaseService(*model_folder(symbol, weights, signature(data=[0, 4])))
    assert np.allclose(answer(service, ROWS)[0], run(symbol, weights, data=ROWS)[0], atol=1e-5)


def test_a_network_that_is_nothing_but_a_loss_is_refused(model_folder):
    symbol = sym.MakeLoss(sym.square(scores() - sym.var('truth')))
    weights = random_weights(scores(), data=(1, 4))
    arguments = model_folder(symbol, weights, signature(data=[0, 4]))
    with pytest.raises(ServiceError, match="a loss that compares with 'truth': export the network"):
        MXNetBaseService(*arguments)


def test_a_label_that_the_signature_gives_is_an_input(model_folder):
    symbol = sym.MakeLoss(sym.square(scores() - sym.var('truth')))
    weights = random_weights(scores(), data=(1, 4))
    service = MXNetBaseService(*model_folder(symbol, weights,
                                             signature(data=[0, 4], truth=[0, 3])))
    truth = np.ones((3, 3))
    [expected] = run(symbol, weights, data=ROWS, truth=truth)
    assert np.allclose(answer(service, ROWS, truth)[0], expected, atol=1e-5)


@pytest.mark.parametrize('missing', ['fc_weight', 'two_bias', 'scale'])
def test_a_parameter_that_is_missing_is_never_taken_for_a_label(model_folder, missing):
    data = sym.var('data')
    first = sym.FullyConnected(data, num_hidden=3, name='fc')
    second = sym.FullyConnected(data, num_hidden=3, name='two')
    made = sym.broadcast_mul(first, sym.var('scale', shape=(1, 3)))
    symbol = sym.Group([sym.SoftmaxOutput(made, name='softmax'),
                        sym.MakeLoss(sym.square(second - first))])
    weights = random_weights(sym.Group([made, second]), data=(1, 4), without=[missing])
    with pytest.raises(ServiceError, match=f"parameter '{missing}' of the network is missing"):
        MXNetBaseService(*model_folder(symbol, weights, signature(data=[0, 4])))


def cell(hidden, state, given, weights):
    both = sym.FullyConnected(given, num_hidden=20, weight=weights[0], bias=weights[1]) + \
        sym.FullyConnected(hidden, num_hidden=20, weight=weights[2], bias=weights[3])
    entry, forget, change, output = sym.split(both, num_outputs=4)
    state = sym.sigmoid(forget) * state + sym.sigmoid(entry) * sym.tanh(change)
    return sym.sigmoid(output) * sym.tanh(state), state


def unrolled():
    """A long short-term memory as MXNet's examples wrote it out before it had cells."""
    data = sym.Embedding(sym.var('data'), input_dim=9, output_dim=4, name='embed')
    weights = [sym.var(f'l0_{name}') for name in ('i2h_weight', 'i2h_bias', 'h2h_weight',
                                                  'h2h_bias')]
    hidden, state = sym.var('l0_init_h'), sym.var('l0_init_c')
    for step in sym.split(data, num_outputs=3, axis=1, squeeze_axis=True):
        hidden, state = cell(hidden, state, step, weights)
    return sym.SoftmaxOutput(sym.FullyConnected(hidden, num_hidden=4, name='out'), name='softmax')


def fused():
    """The same as one operator, its states in variables."""
    data = sym.Embedding(sym.var('data'), input_dim=9, output_dim=4, name='embed')
    rnn = sym.RNN(sym.swapaxes(data, dim1=0, dim2=1), sym.var('parameters'), sym.var('start'),
                  sym.var('memory'), state_size=5, num_layers=2, mode='lstm', bidirectional=True)
    return sym.swapaxes(rnn, dim1=0, dim2=1)


@pytest.mark.parametrize(('network', 'states'), [
    (unrolled, {'l0_init_h': (2, 5), 'l0_init_c': (2, 5)}),
    (fused, {'start': (4, 2, 5), 'memory': (4, 2, 5)}),
])
def test_begin_states_that_nobody_gives_are_zeros(model_folder, network, states, caplog):
    symbol, words = network(), np.array([[1, 2, 3], [8, 0, 8]])
    weights = random_weights(symbol, data=(2, 3), **states, without=['softmax_label'])
    with caplog.at_level(logging.INFO):
        service = MXNetBaseService(*model_folder(symbol, weights, signature(data=[0, 3])))
    assert f"begin states that are zeros: {', '.join(states)}" in caplog.text
    zeros = {name: np.zeros(shape) for name, shape in states.items()}
    [expected] = run(symbol, weights, data=words, **zeros)
    assert np.allclose(answer(service, words)[0], expected, atol=1e-5)
    assert np.allclose(answer(service, words[1:])[0], expected[1:], atol=1e-5)


def test_begin_states_may_be_inputs(model_folder):
    symbol, words = unrolled(), np.array([[1, 2, 3], [8, 0, 8]])
    states = {name: np.random.default_rng(3).normal(size=(2, 5)) for name in (
        'l0_init_c', 'l0_init_h')}
    weights = random_weights(symbol, data=(2, 3), l0_init_c=(2, 5), l0_init_h=(2, 5),
                             without=['softmax_label'])
    service = MXNetBaseService(*model_folder(symbol, weights, signature(
        l0_init_c=[0, 5], data=[0, 3], l0_init_h=[0, 5])))
    got = answer(service, states['l0_init_c'], words, states['l0_init_h'])
    assert np.allclose(got[0], run(symbol, weights, data=words, **states)[0], atol=1e-5)


def test_cells_of_mxnet_with_a_label_for_each_word(model_folder):
    stack = mx.rnn.SequentialRNNCell()
    for index in range(2):
        stack.add(mx.rnn.LSTMCell(num_hidden=5, prefix=f'lstm{index}_'))
    embedded = sym.Embedding(sym.var('data'), input_dim=9, output_dim=4, name='embed')
    outputs, _ = stack.unroll(4, inputs=embedded, merge_outputs=True)
    made = sym.FullyConnected(sym.reshape(outputs, shape=(-1, 5)), num_hidden=9, name='next')
    label = sym.reshape(sym.var('softmax_label'), shape=(-1,))
    weights = random_weights(made, data=(1, 4))
    service = MXNetBaseService(*model_folder(
        sym.SoftmaxOutput(made, label, name='softmax'), weights, signature(data=[0, 4])))
    words = np.array([[1, 2, 3, 4], [5, 6, 7, 8]])
    [expected] = run(sym.softmax(made), weights, data=words)
    assert np.allclose(answer(service, words)[0], expected, atol=1e-5)


def test_the_label_of_a_detector_goes_with_all_that_it_leads_to(model_folder):
    """As SSD's training symbol has it: targets of boxes, and a loss of their offsets."""
    data = sym.var('data')
    layer = sym.Convolution(data, kernel=(3, 3), pad=(1, 1), num_filter=4, name='conv')
    classes = sym.reshape(sym.Convolution(layer, kernel=(1, 1), num_filter=3, name='cls'),
                          shape=(0, 3, -1))
    offsets = sym.Flatten(sym.Convolution(layer, kernel=(1, 1), num_filter=4, name='loc'))
    anchors = sym.contrib.MultiBoxPrior(layer, sizes=(.3,), ratios=(1,))
    targets = sym.contrib.MultiBoxTarget(anchors, sym.var('label'), classes, name='target')
    found = sym.SoftmaxOutput(classes, targets[2], multi_output=True, name='cls_prob')
    boxes = sym.contrib.MultiBoxDetection(found, offsets, anchors, name='detection')
    trained = sym.Group([
        found, sym.MakeLoss(sym.smooth_l1(targets[1] * (offsets - targets[0])), name='loc_loss'),
        sym.MakeLoss(targets[2], grad_scale=0, name='cls_label'),
        sym.MakeLoss(boxes, grad_scale=0, name='det')])
    plain = sym.softmax(classes, axis=1)
    weights = random_weights(sym.Group([plain, offsets]), data=(1, 3, 6, 6))
    service = MXNetBaseService(*model_folder(trained, weights, signature(data=[0, 3, 6, 6])))
    assert [shape for _, shape in service.mx_model.output_shapes] == [(1, 3, 36), (1, 36, 6)]
    pixels = np.random.default_rng(4).normal(size=(2, 3, 6, 6))
    expected = run(sym.Group([plain, sym.contrib.MultiBoxDetection(plain, offsets, anchors)]),
                   weights, data=pixels)
    for got, right in zip(answer(service, pixels), expected):
        assert np.allclose(got, right, atol=1e-5)

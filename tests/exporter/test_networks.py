"""What becomes of networks in memory: symbols, and where a softmax goes behind them."""

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon, sym
from mxnet.gluon import nn

from mms.errors import ExportError
from mms.exporter.networks.kinds import network_of
from mms.exporter.networks.network import Network, checked_inputs
from mms.exporter.networks.probabilities import with_probabilities

X = sym.var('x')
SCORES = sym.FullyConnected(X, num_hidden=3, name='fc')


def network(symbol):
    return Network(symbol, {}, {'x': [0, 4]})


def named(symbol, wanted=None):
    return [name for name, _ in with_probabilities(network(symbol), wanted).outputs()]


@pytest.mark.parametrize('symbol', [
    SCORES, sym.relu(SCORES), sym.log_softmax(SCORES), sym.Activation(SCORES, act_type='tanh'),
    sym.Flatten(SCORES), sym.softmax(SCORES) * 2], ids=lambda symbol: symbol.name)
def test_scores_get_a_softmax(symbol):
    assert named(symbol) == ['probabilities']
    assert named(symbol, wanted=False) == [symbol.list_outputs()[0].removesuffix('_output')]


@pytest.mark.parametrize('symbol', [
    sym.softmax(SCORES), sym.SoftmaxOutput(SCORES, name='s'), sym.sigmoid(SCORES),
    sym.Activation(SCORES, act_type='sigmoid'), sym.Flatten(sym.softmax(SCORES)),
    sym.LogisticRegressionOutput(SCORES, name='l'), sym.BlockGrad(sym.softmax(SCORES))],
    ids=lambda symbol: symbol.name)
def test_probabilities_get_none_unless_it_is_asked_for(symbol):
    assert named(symbol) == [symbol.list_outputs()[0].removesuffix('_output')]
    assert named(symbol, wanted=True) == ['probabilities']


def test_each_output_is_looked_at_by_itself():
    assert named(sym.Group([sym.softmax(SCORES, name='first'), SCORES])) == [
        'first', 'probabilities1']


@pytest.fixture
def numpy_arrays():
    mx.npx.set_np()
    yield
    mx.npx.reset_np()


class Doubled(gluon.Block):
    """Not hybrid."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Dense(3)

    def forward(self, x):
        return self.dense(x) * 2


@pytest.mark.usefixtures('numpy_arrays')
@pytest.mark.parametrize('make', [lambda: nn.Dense(3), Doubled])
def test_networks_of_numpys_arrays_are_traced_too(make, tmp_path):
    net = make()
    net.initialize(mx.init.Uniform(1))
    data = mx.np.array([[1, 2, 3, 4]])
    expected = mx.npx.softmax(net(data), axis=1).asnumpy()
    made = with_probabilities(network_of(net, {'x': data}, None))
    assert (made.inputs, made.outputs()) == ({'x': [0, 4]}, [('probabilities', [0, 3])])
    made.write(str(tmp_path), 'net')
    served = gluon.SymbolBlock.imports(str(tmp_path / 'net-symbol.json'), ['x'],
                                       str(tmp_path / 'net-0000.params'))
    assert served(data).asnumpy() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(('make', 'shape', 'outputs'), [
    (lambda: gluon.rnn.LSTM(4, input_size=3), (5, 0, 3), [[5, 0, 4]]),
    (lambda: gluon.SymbolBlock(sym.Group([SCORES, sym.sum(SCORES)]), X), (0, 4), [[0, 3], [1]]),
])
def test_what_depends_on_the_batch_is_any_length(make, shape, outputs):
    net = make()
    net.initialize()
    net(mx.nd.ones([length or 2 for length in shape]))
    made = network_of(net, {'data': shape}, None)
    assert [shape for _, shape in made.outputs()] == outputs
    assert made.symbol.list_arguments()[0] == 'data'


def test_a_parameter_on_several_devices_is_written_as_their_mean():
    net = nn.Dense(1, in_units=1, use_bias=False)
    net.initialize(ctx=[mx.cpu(0), mx.cpu(1)])
    for number, array in enumerate(net.weight.list_data()):
        array[:] = number
    written, = network_of(net, {'x': (0, 1)}, None).arrays.values()
    assert written.asscalar() == 0.5


def test_an_input_may_not_have_the_name_of_a_parameter():
    net = nn.Dense(1, in_units=1)
    net.initialize()
    with pytest.raises(ExportError, match="is the name of a parameter of the network"):
        network_of(net, {net.weight.name: (0, 1)}, None)


@pytest.mark.parametrize(('shape', 'place', 'shown'), [
    ((0, 8.5), 1, '8.5'), (('0', 4), 0, "'0'"), ((0, 3, True), 2, 'True'), ((0, -1), 1, '-1'),
    ([None, 4], 0, 'None')])
def test_a_length_that_is_no_whole_number_is_told_with_its_place(shape, place, shown):
    with pytest.raises(ExportError) as caught:
        checked_inputs({'other': (0, 4), 'x': shape})
    assert str(caught.value) == (f"inputs=: length {place} of the shape of 'x' is {shown}: give "
                                 'whole numbers, the batch first, and 0 for any length')


@pytest.mark.parametrize('value', [
    '12', '', b'12', (), 4, None, {0: 3}, {4}, np.float32(1), np.zeros(())], ids=repr)
def test_what_is_no_shape_is_told(value):
    with pytest.raises(ExportError, match="^inputs=: the shape of 'x' is "):
        checked_inputs({'x': value})


@pytest.mark.parametrize('value', [
    [0, 4], (np.int64(0), np.uint8(4)), np.zeros((2, 4)), mx.nd.zeros((2, 4))], ids=repr)
def test_shapes_are_of_whole_numbers_of_any_kind_or_those_of_arrays(value):
    assert repr(checked_inputs({'x': value})) == "{'x': [0, 4]}"

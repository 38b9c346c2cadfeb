"""What a network says of shapes, before anything is bound or run."""

import mxnet as mx
import pytest
from mxnet import sym

from mms.errors import BadRequest
from mms.model_service.mxnet_model_service import MXNetBaseService
from mms.mxnet_engine.shape_inference import ShapeInference, ShapesRefused

DATA = sym.var('data')
LEFT, RIGHT = sym.var('left'), sym.var('right')
BOTH = {'left': (1, 2), 'right': (1, 3)}


@pytest.mark.parametrize(('network', 'parameters', 'inputs', 'reason'), [
    (LEFT + RIGHT, {}, BOTH, 'Incompatible attr .* expected .1,2., got .1,3.'),
    (sym.broadcast_add(LEFT, RIGHT), {}, BOTH, 'could not be broadcast .* .1,2. .1,3.'),
    (sym.Convolution(DATA, num_filter=2, kernel=(5, 5)), {}, {'data': (1, 1, 2, 3)},
     'kernel size exceed input'),
    (sym.FullyConnected(DATA, num_hidden=2, name='fc'), {'fc_weight': (2, 3)}, {'data': (1, 5)},
     r'Provided = \[2,3\], inferred shape=\(2,5\)'),
    (sym.BatchNorm(DATA, name='norm'), {'norm_gamma': (4,)}, {'data': (1, 3)},
     r'norm_gamma would have to have the shape \[3\], it has \[4\]'),
    (sym.BatchNorm(DATA, name='norm'), {'norm_moving_mean': (4,)}, {'data': (1, 3)},
     r'norm_moving_mean would have to have the shape \[3\], it has \[4\]'),
], ids=['addition', 'broadcast', 'kernel', 'dense', 'parameter', 'state'])
def test_the_reason_is_the_networks_own(network, parameters, inputs, reason):
    with pytest.raises(ShapesRefused, match=reason) as refusal:
        ShapeInference(network, parameters).check(inputs)
    assert '../src' not in str(refusal.value)


@pytest.mark.parametrize('shape', [(1, 7), (-1, 7), (7,)])
def test_a_reshape_never_reads_behind_its_numbers(shape):
    inference = ShapeInference(sym.Reshape(DATA, shape=shape, name='rows') * 2, {})
    inference.check({'data': (1, 7)})
    for size in (5, 15):
        with pytest.raises(ShapesRefused, match=f'rows cannot make .* of .1, {size}.'):
            inference.check({'data': (1, size)})


@pytest.mark.parametrize('shape', [(0, -1), (-1, 1, 6), (0, 2, 3), (-3,)])
def test_a_reshape_that_keeps_all_numbers_is_none(shape):
    inference = ShapeInference(sym.Reshape(DATA, shape=shape), {})
    for rows in (1, 4):
        inference.check({'data': (rows, 6)})


SIGNATURE = {'inputs': [{'data_name': 'left', 'data_shape': [0, 0]},
                        {'data_name': 'right', 'data_shape': [0, 0]}],
             'outputs': [], 'input_type': 'application/json', 'output_type': 'application/json'}


@pytest.fixture
def service(model_folder):
    return MXNetBaseService(*model_folder(LEFT + RIGHT, {'arg:unused': mx.nd.ones(1)}, SIGNATURE))


def test_a_request_is_told_its_shapes_and_the_next_one_is_answered(service):
    for _ in range(2):
        with pytest.raises(BadRequest, match=(
                r'The network does not take inputs of the shapes left \[1, 2\], right \[1, 3\]: '
                r'Incompatible attr in .*got \[1,3\]\.$')):
            service.inference([[[1, 2]], [[1, 2, 3]]])
        assert service.inference([[[1, 2]], [[3, 4]]]) == ['[[4.0, 6.0]]']


def test_shapes_are_looked_at_once(service, monkeypatch):
    looked_at = []
    check = ShapeInference.check
    monkeypatch.setattr(ShapeInference, 'check', lambda self, inputs: (
        looked_at.append(inputs['left']), check(self, inputs)))
    for rows in (2, 3, 2, 3, 2):
        service.inference([[[1, 2]] * rows, [[3, 4]] * rows])
    assert looked_at == [(2, 2), (3, 2)]


def test_what_fails_in_spite_of_right_shapes_is_no_fault_of_the_request(service, monkeypatch):
    def no_memory(*_, **__):
        raise mx.base.MXNetError('cudaMalloc retry failed: out of memory')

    monkeypatch.setattr(mx.symbol.Symbol, 'simple_bind', no_memory)
    with pytest.raises(mx.base.MXNetError):
        service.inference([[[1, 2]] * 2, [[3, 4]] * 2])

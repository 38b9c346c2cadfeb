import json
import logging

import mxnet as mx
import numpy as np
import pytest

from mms.errors import BadRequest, ServiceError
from mms.model_service.mxnet_model_service import MXNetBaseService

pytestmark = pytest.mark.core

LEFT, RIGHT = [[1, 2, 3, 4]], [[.5, 0, -1, 2]]


def expected_row(weights):
    scores = (np.add(LEFT, RIGHT) @ weights['arg:fc_weight'].asnumpy().T
              + weights['arg:fc_bias'].asnumpy())[0]
    return np.exp(scores) / np.exp(scores).sum()


@pytest.mark.parametrize('loss', [False, True], ids=['plain', 'with a loss at its end'])
def test_a_symbolic_model_answers_with_its_outputs_as_text(model_folder, dense, loss):
    service = MXNetBaseService(*model_folder(dense.symbol(loss), dense.weights()))
    answer = service.inference([LEFT, RIGHT])
    assert [type(text) for text in answer] == [str]
    assert json.loads(answer[0])[0] == pytest.approx(expected_row(dense.weights()), abs=1e-5)


def test_it_has_the_attributes_that_services_use(model_folder, dense):
    service = MXNetBaseService(*model_folder(
        dense.symbol(), dense.weights(), labels='  one\ntwö \n three'.encode()))
    assert service.model_name == 'dense'
    assert service.ctx == mx.cpu()
    assert service.param_filename == 'dense-0000.params'
    assert service.labels == ['one', 'twö', 'three']
    assert isinstance(service.mx_model, mx.mod.Module)
    assert service.ping() == mx.__version__
    assert [entry['data_shape'] for entry in service.signature['inputs']] == [[1, 4], [1, 4]]
    assert service.signature['outputs'] == dense.signature['outputs']


def test_without_a_synset_there_are_no_labels(model_folder, dense):
    assert not hasattr(MXNetBaseService(*model_folder(dense.symbol(), dense.weights())), 'labels')


def test_labels_that_are_not_utf8_are_refused(model_folder, dense):
    with pytest.raises(ServiceError, match='synset.txt is not UTF-8'):
        MXNetBaseService(*model_folder(dense.symbol(), dense.weights(), labels=b'caf\xe9\n'))


@pytest.mark.parametrize('params', ['dense-0000.params', 'dense-0017.params',
                                    'other.name-0003.params', 'noepoch.params'])
def test_the_files_are_taken_as_the_manifest_names_them(model_folder, dense, params):
    service = MXNetBaseService(*model_folder(dense.symbol(), dense.weights(), params=params,
                                             name='some-other-name'))
    assert json.loads(service.inference([LEFT, RIGHT])[0])[0] == pytest.approx(
        expected_row(dense.weights()), abs=1e-5)


def test_another_epoch_beside_it_is_not_taken(model_folder, dense):
    zeros = {name: array * 0 for name, array in dense.weights().items()}
    model_folder(dense.symbol(), zeros, params='dense-0000.params')
    service = MXNetBaseService(*model_folder(dense.symbol(), dense.weights(),
                                             params='dense-0009.params'))
    assert json.loads(service.inference([LEFT, RIGHT])[0])[0] == pytest.approx(
        expected_row(dense.weights()), abs=1e-5)


def test_a_manifest_without_parameters_means_epoch_zero(model_folder, dense):
    name, folder, manifest = model_folder(dense.symbol(), dense.weights())
    del manifest['Model']['Parameters']
    service = MXNetBaseService(name, folder, manifest)
    assert service.param_filename is None
    assert json.loads(service.inference([LEFT, RIGHT])[0])


@pytest.mark.parametrize('loss', [False, True], ids=['plain', 'with a loss at its end'])
def test_the_batch_may_be_of_any_size_and_change_its_size(model_folder, dense, loss):
    service = MXNetBaseService(*model_folder(dense.symbol(loss), dense.weights()))
    row = expected_row(dense.weights())
    for size in (1, 3, 2, 5, 1):
        rows = json.loads(service.inference([LEFT * size, RIGHT * size])[0])
        assert len(rows) == size
        assert np.allclose(rows, [row] * size, atol=1e-5)


def test_a_length_of_zero_in_the_signature_means_any(model_folder):
    signature = {
        'inputs': [{'data_name': 'data', 'data_shape': [0, 0]}],
        'outputs': [{'data_name': 'sum', 'data_shape': [0]}],
        'input_type': 'application/json', 'output_type': 'application/json'}
    service = MXNetBaseService(*model_folder(
        mx.sym.sum(mx.sym.var('data'), axis=1), {}, signature))
    assert service.inference([[[1, 2, 3]]]) == ['[6.0]']
    assert service.inference([[[1, 2], [3, 4]]]) == ['[3.0, 7.0]']


def test_parameters_without_a_prefix_are_found(model_folder):
    symbol = mx.sym.BatchNorm(mx.sym.var('left') + mx.sym.var('right'), name='bn',
                              fix_gamma=False, eps=1e-5)
    ones = mx.nd.ones(4)
    weights = {'bn_gamma': ones * 2, 'bn_beta': ones, 'bn_moving_mean': ones * .5,
               'bn_moving_var': ones * 4}
    service = MXNetBaseService(*model_folder(symbol, weights))
    assert json.loads(service.inference([LEFT, RIGHT])[0])[0] == pytest.approx(
        ((np.add(LEFT, RIGHT)[0] - .5) / 2) * 2 + 1, abs=1e-3)


def test_parameters_of_no_use_are_logged_and_left(model_folder, dense, caplog):
    weights = {**dense.weights(), 'arg:old_layer': mx.nd.ones(2)}
    with caplog.at_level(logging.INFO):
        MXNetBaseService(*model_folder(dense.symbol(), weights))
    assert 'old_layer' in caplog.text


def test_a_missing_parameter_stops_the_start(model_folder, dense):
    weights = dense.weights()
    del weights['arg:fc_bias']
    with pytest.raises(ServiceError, match="dense-0000.params: parameter 'fc_bias'"):
        MXNetBaseService(*model_folder(dense.symbol(), weights))


def test_a_missing_auxiliary_state_stops_the_start(model_folder):
    symbol = mx.sym.BatchNorm(mx.sym.var('left') + mx.sym.var('right'), name='bn')
    ones = mx.nd.ones(4)
    with pytest.raises(ServiceError, match="'bn_moving_mean', 'bn_moving_var' of the network"):
        MXNetBaseService(*model_folder(symbol, {'arg:bn_gamma': ones, 'arg:bn_beta': ones}))


def test_a_parameter_of_another_shape_stops_the_start(model_folder, dense):
    weights = {**dense.weights(), 'arg:fc_weight': mx.nd.ones((3, 5))}
    with pytest.raises(ServiceError, match=r"'fc_weight' has the shape \(3, 5\), .* \(3, 4\)"):
        MXNetBaseService(*model_folder(dense.symbol(), weights))


def test_an_input_that_the_network_does_not_have_stops_the_start(model_folder, dense):
    dense.signature['inputs'][1]['data_name'] = 'rihgt'
    with pytest.raises(ServiceError, match="input 'rihgt' is not .* has: left, right$"):
        MXNetBaseService(*model_folder(dense.symbol(), dense.weights(), dense.signature))


def test_an_input_of_the_network_that_the_signature_lacks_stops_the_start(model_folder, dense):
    del dense.signature['inputs'][1]
    with pytest.raises(ServiceError, match="'right' of the network is missing"):
        MXNetBaseService(*model_folder(dense.symbol(), dense.weights(), dense.signature))


def test_shapes_that_do_not_go_together_stop_the_start(model_folder, dense):
    dense.signature['inputs'][1]['data_shape'] = [0, 5]
    with pytest.raises(ServiceError, match='does not take inputs of the shapes') as raised:
        MXNetBaseService(*model_folder(dense.symbol(), dense.weights(), dense.signature))
    assert '\n' not in str(raised.value)


@pytest.mark.parametrize('name', ['dense-symbol.json', 'dense-0000.params'])
@pytest.mark.parametrize('content', [b'', b'rubbish', None], ids=['empty', 'rubbish', 'missing'])
def test_a_file_that_cannot_be_read_stops_the_start(model_folder, dense, tmp_path, name, content):
    arguments = model_folder(dense.symbol(), dense.weights())
    if content is None:
        (tmp_path / 'model' / name).unlink()
    else:
        (tmp_path / 'model' / name).write_bytes(content)
    with pytest.raises(ServiceError, match=name) as raised:
        MXNetBaseService(*arguments)
    assert '\n' not in str(raised.value)


def test_a_truncated_parameter_file_stops_the_start(model_folder, dense, tmp_path):
    arguments = model_folder(dense.symbol(), dense.weights())
    path = tmp_path / 'model' / 'dense-0000.params'
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(ServiceError, match=r'dense-0000\.params cannot be read'):
        MXNetBaseService(*arguments)


def test_parameters_without_names_stop_the_start(model_folder, dense):
    with pytest.raises(ServiceError, match='without names'):
        MXNetBaseService(*model_folder(dense.symbol(), [mx.nd.ones(1)]))


def test_a_symbolic_manifest_without_a_symbol_stops_the_start(model_folder):
    name, folder, manifest = model_folder()
    manifest['Model']['Model-Format'] = 'MXNet-Symbolic'
    with pytest.raises(ServiceError, match='no Symbol is named'):
        MXNetBaseService(name, folder, manifest)


@pytest.mark.parametrize('bad', [[[1, 2], [3]], [['a', 'b']], [{'x': 1}], b'bytes', {'x': 1}])
def test_an_input_that_is_no_tensor_is_a_bad_request_that_names_it(model_folder, dense, bad):
    service = MXNetBaseService(*model_folder(dense.symbol(), dense.weights()))
    with pytest.raises(BadRequest, match='Input right is no tensor'):
        service.inference([LEFT, bad])


@pytest.mark.parametrize(('bad', 'reason'), [
    ([[1, 2, 3]], r'Input right .*\[1, 3\].* asks for \[1, 4\]'),
    ([1, 2, 3, 4], r'Input right .*\[4\].* as in \[1, 4\]'),
    ([], 'Input right has 1 dim'),
])
def test_a_tensor_of_the_wrong_shape_is_a_bad_request_that_names_it(model_folder, dense, bad,
                                                                     reason):
    service = MXNetBaseService(*model_folder(dense.symbol(), dense.weights()))
    with pytest.raises(BadRequest, match=reason) as raised:
        service.inference([LEFT, bad])
    assert type(raised.value) is BadRequest


@pytest.mark.parametrize(('left', 'right', 'reason'), [
    (LEFT * 2, RIGHT, 'Input right has a batch of 1, input left one of 2'),
    ([], [], 'dimension'),
])
def test_inputs_of_different_batches_are_a_bad_request(model_folder, dense, left, right, reason):
    service = MXNetBaseService(*model_folder(dense.symbol(), dense.weights()))
    with pytest.raises(BadRequest, match=reason):
        service.inference([left, right])


def test_an_input_without_a_single_number_is_a_bad_request(model_folder):
    signature = {'inputs': [{'data_name': 'data', 'data_shape': [0, 0]}], 'outputs': [],
                 'input_type': 'application/json', 'output_type': 'application/json'}
    service = MXNetBaseService(*model_folder(mx.sym.var('data') * 2, {}, signature))
    assert service.inference([[[1, 2]]]) == ['[[2.0, 4.0]]']
    with pytest.raises(BadRequest, match=r'Input data is empty, its shape is \[1, 0\]'):
        service.inference([[[]]])


@pytest.mark.parametrize('height', [9, 40])
def test_a_length_of_0_may_be_any_that_the_network_takes(model_folder, height):
    shrinking = mx.sym.Convolution(mx.sym.var('data'), kernel=(7, 7), num_filter=1, no_bias=True,
                                   name='conv')
    signature = {'inputs': [{'data_name': 'data', 'data_shape': [0, 1, 0, 0]}], 'outputs': [],
                 'input_type': 'application/json', 'output_type': 'application/json'}
    service = MXNetBaseService(*model_folder(
        shrinking, {'arg:conv_weight': mx.nd.ones((1, 1, 7, 7))}, signature))
    assert service.signature['inputs'][0]['data_shape'] == [1, 1, 0, 0]
    [text] = service.inference([np.ones((1, 1, height, 8)).tolist()])
    assert np.array(json.loads(text)).shape == (1, 1, height - 6, 2)
    assert json.loads(text)[0][0][0] == [49.0, 49.0]


def test_no_gpu_where_there_is_none_is_one_clear_line(model_folder, dense):
    if mx.context.num_gpus():
        pytest.skip('this machine has a GPU')
    with pytest.raises(ServiceError, match=r'--gpu 0: MXNet sees no GPU') as raised:
        MXNetBaseService(*model_folder(dense.symbol(), dense.weights()), gpu=0)
    assert '\n' not in str(raised.value)
    with pytest.raises(ServiceError, match="--gpu 'x' is not the number of a GPU"):
        MXNetBaseService(*model_folder(dense.symbol(), dense.weights()), gpu='x')


def test_a_subclass_may_replace_the_signature(model_folder, dense):
    class Wider(MXNetBaseService):
        @property
        def signature(self):
            return {'inputs': [{'data_name': 'only', 'data_shape': [0, 2]}]}

    class Set(MXNetBaseService):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self._signature = {'inputs': [{'data_name': 'mine', 'data_shape': [0, 9]}]}

    arguments = model_folder(dense.symbol(), dense.weights())
    with pytest.raises(BadRequest, match=r'2 input.* asks for 1'):
        Wider(*arguments).inference([LEFT, RIGHT])
    assert Set(*arguments).signature['inputs'][0]['data_name'] == 'mine'


def test_a_symbol_that_gluon_exported_is_served(model_folder, tmp_path):
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Dense(5, activation='relu'), mx.gluon.nn.BatchNorm(), mx.gluon.nn.Dense(2))
    net.initialize(mx.init.Uniform(1))
    net.hybridize()
    data = mx.nd.random.uniform(shape=(2, 3))
    expected = net(data).asnumpy()
    signature = {
        'inputs': [{'data_name': 'data', 'data_shape': [0, 3]}],
        'outputs': [{'data_name': 'out', 'data_shape': [0, 2]}],
        'input_type': 'application/json', 'output_type': 'application/json'}
    name, folder, manifest = model_folder(mx.sym.var('data'), {}, signature)
    net.export(f'{folder}/exported', epoch=12)
    manifest['Model'].update(Symbol='exported-symbol.json', Parameters='exported-0012.params')
    answer = MXNetBaseService(name, folder, manifest).inference([data.asnumpy().tolist()])
    assert np.allclose(json.loads(answer[0]), expected, atol=1e-5)

"""Symbolic models as people save them, exported and served by the built-in services."""

import json
from concurrent.futures import ThreadPoolExecutor

import mxnet as mx
import numpy as np
import pytest
from extras import extra
from harness import FIXTURES, KITTEN, Server
from mxnet import sym
from mxnet.gluon import nn

from mms.export_model import export_model
from mms.utils.mxnet import image

PICTURES = [KITTEN, *sorted((FIXTURES / 'img').glob('*.jpg'))]
LABELS = ['ash', 'beech', 'cedar', 'elm']
SEED = np.random.default_rng(6)


def numbers(*shape):
    return SEED.normal(size=shape).round(2).tolist()


def write_signature(folder, input_type='application/json', output_format=None, **inputs):
    more = {'output_format': output_format} if output_format else {}
    (folder / 'signature.json').write_text(json.dumps({
        'inputs': [{'data_name': name, 'data_shape': shape} for name, shape in inputs.items()],
        'outputs': [], 'input_type': input_type, 'output_type': 'application/json', **more}))


def trained(folder):
    """Saved by Module after training: epoch 12345, states, a label, another batch than 1."""
    layer = sym.BatchNorm(sym.FullyConnected(sym.var('data'), num_hidden=6), name='norm')
    symbol = sym.SoftmaxOutput(sym.FullyConnected(layer, num_hidden=2), name='softmax')
    rows = SEED.normal(size=(64, 4)).astype('float32')
    batches = mx.io.NDArrayIter(rows, (rows.sum(axis=1) > 0).astype('float32'), 8)
    module = mx.mod.Module(symbol)
    module.fit(batches, num_epoch=2, optimizer_params={'learning_rate': .1})
    module.save_checkpoint(str(folder / 'net'), 12345)
    write_signature(folder, data=[0, 4])
    requests = [{'data': numbers(rows, 4)} for rows in (1, 2, 3)]

    def direct(data):
        data = mx.nd.array(data)
        module.reshape([('data', data.shape)], [('softmax_label', data.shape[:1])])
        module.forward(mx.io.DataBatch([data]), is_train=False)
        return [output.asnumpy() for output in module.get_outputs()]

    return requests, direct, lambda prediction: [json.loads(text) for text in prediction]


class Pair(nn.HybridBlock):
    """A picture and a tensor, or two tensors, in; two outputs of other shapes."""

    def __init__(self, prefix):
        super().__init__(prefix=prefix)
        with self.name_scope():
            self.layers = nn.HybridSequential()
            self.layers.add(nn.Conv2D(4, 3), nn.BatchNorm(), nn.GlobalAvgPool2D(), nn.Flatten())
            self.dense = nn.Dense(4)

    def hybrid_forward(self, F, planes, row):
        together = self.layers(planes) + self.dense(row)
        return F.softmax(together), F.sum(together, axis=1)


def exported(folder):
    """Saved by HybridBlock.export; inputs in the other order; any height and width; lists."""
    net = Pair('pair_')
    net.initialize(mx.init.Uniform(1))
    net.hybridize()
    net(mx.nd.ones((1, 2, 8, 8)), mx.nd.ones((1, 3)))
    net.export(str(folder / 'net'), epoch=7)
    write_signature(folder, output_format='lists', data1=[0, 3], data0=[0, 2, 0, 0])
    requests = [{'data0': numbers(rows, 2, height, 6), 'data1': numbers(rows, 3)}
                for rows, height in ((1, 5), (2, 5), (1, 9), (3, 9))]

    def direct(data1, data0):
        return [output.asnumpy() for output in net(mx.nd.array(data0), mx.nd.array(data1))]

    return requests, direct, lambda prediction: prediction


def picture_and_row(folder):
    """A picture and a tensor in one request, the tensor first."""
    net = Pair('pair_')
    net.initialize(mx.init.Uniform(.01))
    net.hybridize()
    net(mx.nd.ones((1, 3, 8, 8)), mx.nd.ones((1, 3)))
    net.export(str(folder / 'net'), epoch=0)
    (folder / 'signature.json').write_text(json.dumps({
        'inputs': [{'data_name': 'data1', 'data_shape': [0, 3]},
                   {'data_name': 'data0', 'data_shape': [0, 3, 9, 0], 'input_type': 'image/jpeg'}],
        'outputs': [], 'input_type': 'application/json', 'output_type': 'application/json'}))
    requests = [{'data0': picture, 'data1': numbers(1, 3)} for picture in PICTURES]

    def direct(data1, data0):
        pixels = image.read(data0)
        pixels = image.transform_shape(image.resize(pixels, pixels.shape[1], 9))
        return [output.asnumpy() for output in net(pixels.astype('float32'), mx.nd.array(data1))]

    return requests, direct, lambda prediction: [json.loads(text) for text in prediction]


def words(folder):
    """Any number of words, at once and one after the other; save_checkpoint's files."""
    table = sym.Embedding(sym.var('words', dtype='int32'), input_dim=50, output_dim=3, name='table')
    symbol = sym.softmax(sym.FullyConnected(sym.mean(table, axis=1), num_hidden=4, name='fc'))
    args = {name: mx.nd.array(numbers(*shape)) for name, shape in (
        ('table_weight', (50, 3)), ('fc_weight', (4, 3)), ('fc_bias', (4,)), ('unused', (9, 9)))}
    mx.model.save_checkpoint(str(folder / 'net'), 0, symbol, args, {})
    write_signature(folder, words=[1, 0])
    requests = [{'words': SEED.integers(0, 50, size=(1, length)).tolist()}
                for length in (3, 8, 3, 8, 1, 8)]

    def direct(words):
        table, weight, bias = (args[name].asnumpy() for name in (
            'table_weight', 'fc_weight', 'fc_bias'))
        scores = table[words].mean(axis=1) @ weight.T + bias
        return [np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)]

    return requests, direct, lambda prediction: [json.loads(text) for text in prediction]


def pictures(folder):
    """Two pictures of other shapes, one of any size; the built-in vision service."""
    pooled = [sym.Pooling(sym.Convolution(sym.var(name) / 255, kernel=(3, 3), num_filter=4,
                                          no_bias=True, name=f'conv_{name}'),
                          kernel=(1, 1), global_pool=True, pool_type='max')
              for name in ('before', 'after')]
    symbol = sym.softmax(sym.Flatten(pooled[0] - pooled[1]))
    args = {f'conv_{name}_weight': mx.nd.array(numbers(4, 3, 3, 3)) for name in (
        'before', 'after')}
    mx.model.save_checkpoint(str(folder / 'net'), 3, symbol, args, {})
    (folder / 'synset.txt').write_text('\n'.join(LABELS))
    write_signature(folder, 'image/jpeg', after=[0, 3, 12, 20], before=[0, 3, 0, 0])
    requests = [{'before': one, 'after': other} for one, other in zip(PICTURES, PICTURES[1:])]

    def direct(after, before):
        given = {'before': image.transform_shape(image.read(before)),
                 'after': image.transform_shape(image.resize(image.read(after), 20, 12))}
        executor = symbol.simple_bind(mx.cpu(), grad_req='null', **{
            name: array.shape for name, array in given.items()})
        executor.copy_params_from(args)
        return [output.asnumpy() for output in executor.forward(is_train=False, **{
            name: array.astype('float32') for name, array in given.items()})]

    def scores(prediction):
        return [[[{entry['class']: entry['probability'] for entry in output}[label]
                  for label in LABELS]] for output in prediction]

    return requests, direct, scores


MODELS = {build.__name__: build for build in (trained, exported, picture_and_row, words, pictures)}


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    """Name of a model -> its archive, requests, what answers directly, and what reads answers."""
    made = {}
    for name, build in MODELS.items():
        folder = tmp_path_factory.mktemp(name)
        (folder / 'files').mkdir()
        rest = build(folder / 'files')
        archive = export_model(name, str(folder / 'files'), export_file=str(folder / 'm.model'))
        made[name] = (archive, *rest)
    return made


@pytest.fixture(scope='module')
def server(built, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp('symbolic'), [
        '--workers', '1', '--models', *(f'{name}={archive}' for name, (archive, *_)
                                        in built.items())])
    yield server.wait_until_up()
    server.stop()


def post(server, name, request):
    parts = {field: ('x.jpg', value.read_bytes(), 'image/jpeg') for field, value in request.items()
             if not isinstance(value, list)}
    fields = {field: json.dumps(value) for field, value in request.items() if field not in parts}
    answer = server.post(name, data=fields, files=parts)
    assert answer.status_code == 200, answer.text
    return answer.json()['prediction']


@pytest.mark.parametrize('name', MODELS)
def test_served_answers_are_those_of_the_network_itself(server, built, name):
    _, requests, direct, numbers_of = built[name]
    expected = [direct(**{field: given(value) for field, value in request.items()})
                for request in requests]

    def check(index):
        got = numbers_of(post(server, name, requests[index]))
        assert len(got) == len(expected[index])
        for one, other in zip(got, expected[index]):
            assert np.shape(one) == other.shape
            assert np.allclose(one, other, atol=1e-4)

    for index in range(len(requests)):
        check(index)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(check, list(range(len(requests))) * 6))


def given(value):
    return value.read_bytes() if hasattr(value, 'read_bytes') else value


def test_requests_of_several_shapes_do_not_end_the_batches_of_a_model(server):
    """Runs after those above, which have sent lengths that differ at the same time."""
    for name in ('words', 'exported', 'trained', 'picture_and_row'):
        assert f'Model {name} is served one request at a time' not in server.log
        assert f'Model {name} is not warmed up' not in server.log


def test_the_description_says_what_an_answer_holds(server):
    description = server.get('/api-description').json()['description']
    extra('openapi_spec_validator').OpenAPIV2SpecValidator(description).validate()
    paths = description['paths']
    held = {name: paths[f'/{name}/predict']['post']['responses']['200']['schema']['properties']
            ['prediction'] for name in MODELS}
    assert held['exported'] == {'type': 'array', 'items': {}}
    assert held['trained'] == held['pictures'] == {}
    row, picture = paths['/picture_and_row/predict']['post']['parameters']
    assert (row['name'], row['type']) == ('data1', 'string')
    assert (picture['name'], picture['type']) == ('data0', 'file')
    assert "-F 'data1=[[0, 0, 0]]' -F data0=@kitten.jpg" in server.stdout


@pytest.mark.parametrize(('request_', 'reason'), [
    ({'words': [[2**40]]}, 'Input words must hold whole numbers from -2147483648 to 2147483647.'),
    ({'words': [1, 2]}, 'Input words has 1 dimension(s)'),
    ({'words': [[]]}, 'Input words is empty'),
])
def test_what_does_not_fit_is_told_to_the_client(server, request_, reason):
    answer = server.post('words', data={'words': json.dumps(request_['words'])})
    assert answer.status_code == 400
    assert reason in answer.json()['message']

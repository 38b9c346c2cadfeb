"""Services that make a BucketingModule of their archive, as language models of 2018 did."""

import json
from concurrent.futures import ThreadPoolExecutor

import mxnet as mx
import numpy as np
import pytest

from mms.errors import BadRequest, ServiceError
from mms.export_model import export_model
from mms.worker.loading.service_loader import build_service, load_service_class

WORDS = ['<pad>', '<unk>', 'a', 'b', 'c', 'd']
STATES, LONGEST = 8, 6

SERVICE = '''
import os

import mxnet as mx

from mms.model_service.mxnet_model_service import MXNetBaseService
from mms.utils.mxnet.nlp import encode_sentences, pad_sentence

BUCKETS = [3, 6]


def network_for(length):
    cell = mx.rnn.LSTMCell({states}, prefix='lstm_')
    words = mx.sym.Embedding(mx.sym.Variable('data'), input_dim={words}, output_dim=4, name='embed')
    outputs, _ = cell.unroll(length, inputs=words, merge_outputs=True)
    scores = mx.sym.FullyConnected(mx.sym.Reshape(outputs, shape=(-1, {states})),
                                   num_hidden={words}, name='pred')
    label = mx.sym.Reshape(mx.sym.Variable('softmax_label'), shape=(-1,))
    return mx.sym.SoftmaxOutput(scores, label, name='softmax'), ('data',), ('softmax_label',)


class LanguageModel(MXNetBaseService):
    def __init__(self, model_name, model_dir, manifest, gpu=None):
        {constructor}
        with open(os.path.join(model_dir, 'vocabulary.txt')) as file:
            words = file.read().split()
        self.vocabulary = {{word: number for number, word in enumerate(words)}}
        _, args, aux = mx.model.load_checkpoint(os.path.join(model_dir, 'dense'), 0)
        self.mx_model = mx.mod.BucketingModule(
            network_for, default_bucket_key=BUCKETS[-1], context=self.ctx)
        self.mx_model.bind([('data', (1, BUCKETS[-1]))], [('softmax_label', (1, BUCKETS[-1]))],
                           for_training=False)
        self.mx_model.set_params(args, aux)

    def _preprocess(self, data):
        words = data[0][0]['input_sentence'].split()
        [numbers], _ = encode_sentences([words], vocab=self.vocabulary, invalid_label=1)
        return pad_sentence(numbers, BUCKETS, invalid_label=0)

    def _inference(self, data):
        data.provide_label = [('softmax_label', data.data[0].shape)]
        data.label = [mx.nd.zeros(data.data[0].shape)]
        self.mx_model.forward(data, is_train=False)
        return self.mx_model.get_outputs()

    def _postprocess(self, data):
        return data[0].asnumpy()
'''
CONSTRUCTORS = {
    'base': 'super().__init__(model_name, model_dir, manifest, gpu)',
    'beyond_base': 'super(MXNetBaseService, self).__init__(model_name, model_dir, manifest, gpu)',
}


def source(kind):
    return SERVICE.format(states=STATES, words=len(WORDS), constructor=CONSTRUCTORS[kind])


@pytest.fixture
def archive(model_folder, tmp_path):
    """A function: folder of an archive with seeded weights; its service file, manifest, arrays."""

    def make(kind, data_shape=(1, LONGEST), without=''):
        scope = {}
        file = tmp_path / f'bucketing_{kind}.py'
        file.write_text(source(kind))
        exec(compile(file.read_text(), str(file), 'exec'), scope)
        symbol = scope['network_for'](LONGEST)[0]
        if kind == 'base':
            # The base binds what the archive has: the network as it is after its training.
            symbol = mx.sym.softmax(symbol.get_internals()['pred_output'])
        shapes, _, _ = symbol.infer_shape_partial(data=(1, LONGEST))
        random = np.random.RandomState(4)
        arrays = {name: random.normal(size=shape) for name, shape in zip(
            symbol.list_arguments(), shapes) if name not in ('data', 'softmax_label', without)}
        name, folder, manifest = model_folder(
            symbol, {f'arg:{key}': mx.nd.array(value) for key, value in arrays.items()},
            {'inputs': [{'data_name': 'data', 'data_shape': list(data_shape)}],
             'outputs': [{'data_name': 'softmax', 'data_shape': [0, len(WORDS)]}],
             'input_type': 'application/json', 'output_type': 'application/json'})
        with open(f'{folder}/vocabulary.txt', 'w') as vocabulary:
            vocabulary.write('\n'.join(WORDS))
        return file, name, folder, manifest, arrays

    return make


def service_of(file, name, folder, manifest):
    cls = load_service_class(str(file), 'MXNet-Symbolic')
    return build_service(cls, name, folder, manifest, None)


def expected(arrays, numbers):
    """The network in NumPy."""
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    hidden = cell = np.zeros(STATES)
    rows = []
    for number in numbers:
        gates = (arrays['lstm_i2h_weight'] @ arrays['embed_weight'][number]
                 + arrays['lstm_i2h_bias'] + arrays['lstm_h2h_weight'] @ hidden
                 + arrays['lstm_h2h_bias'])
        take, forget, new, show = np.split(gates, 4)
        cell = sigmoid(forget) * cell + sigmoid(take) * np.tanh(new)
        hidden = sigmoid(show) * np.tanh(cell)
        scores = np.exp(arrays['pred_weight'] @ hidden + arrays['pred_bias'])
        rows.append(scores / scores.sum())
    return rows


@pytest.mark.parametrize(('kind', 'data_shape'), [
    ('base', (1, LONGEST)), ('base', (0, LONGEST)), ('beyond_base', (1, 0)),
])
def test_every_bucket_answers_as_the_network_computed_by_hand(archive, kind, data_shape):
    *files, arrays = archive(kind, data_shape)
    service = service_of(*files)
    for text, numbers in (('a b', [2, 3, 0]), ('a b x d', [2, 3, 1, 5, 0, 0]), ('c', [4, 0, 0])):
        answer = service.inference([[{'input_sentence': text}]])
        np.testing.assert_allclose(answer, expected(arrays, numbers), rtol=0, atol=1e-4)


@pytest.mark.parametrize('kind', sorted(CONSTRUCTORS))
def test_a_sentence_that_no_bucket_holds_is_the_client_s_fault(archive, kind):
    service = service_of(*archive(kind)[:-1])
    with pytest.raises(BadRequest, match='The sentence has 7 tokens; this model takes at most 6'):
        service.inference([[{'input_sentence': 'a b c d a b c'}]])


@pytest.mark.parametrize('kind', sorted(CONSTRUCTORS))
def test_a_weight_that_is_missing_stops_the_start(archive, kind):
    with pytest.raises(ServiceError, match='lstm_h2h_bias'):
        service_of(*archive(kind, without='lstm_h2h_bias')[:-1])


def test_a_server_answers_sentences_of_all_buckets_at_once(archive, serve, tmp_path):
    file, _, folder, _, arrays = archive('beyond_base')
    with open(f'{folder}/signature.json', 'w') as signature:
        json.dump({'inputs': [{'data_name': 'data', 'data_shape': [1, LONGEST],
                               'sample': [{'input_sentence': 'a b'}]}],
                   'outputs': [], 'input_type': 'application/json',
                   'output_type': 'application/json'}, signature)
    export_model('lm', folder, service_file=str(file), export_file=str(tmp_path / 'lm.model'))
    server = serve('--models', f'lm={tmp_path}/lm.model')
    asked = {'a b': [2, 3, 0], 'a b x d': [2, 3, 1, 5, 0, 0], 'c': [4, 0, 0]}

    def ask(text):
        return server.post_text('lm', json.dumps([{'input_sentence': text}])).json()['prediction']

    texts = list(asked) * 6
    with ThreadPoolExecutor(9) as threads:
        for text, answer in zip(texts, threads.map(ask, texts)):
            np.testing.assert_allclose(answer, expected(arrays, asked[text]), rtol=0, atol=1e-4)
    assert 'is not warmed up' not in server.log
    refused = server.post_text('lm', "[{'input_sentence': 'a b c d a b c'}]")
    assert (refused.status_code, refused.json()['message']) == (
        400, 'The sentence has 7 tokens; this model takes at most 6.')

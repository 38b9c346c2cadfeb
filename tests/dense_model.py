"""Model folders as an extracted archive has them."""

import json
from types import SimpleNamespace

import mxnet as mx
import pytest


def dense_symbol(loss=False):
    """Two inputs of 4 numbers each, added; a dense layer of 3 with a softmax."""
    total = mx.sym.var('left') + mx.sym.var('right')
    scores = mx.sym.FullyConnected(total, num_hidden=3, name='fc')
    if loss:
        return mx.sym.SoftmaxOutput(scores, name='softmax')
    return mx.sym.softmax(scores, name='softmax')


def dense_weights():
    return {'arg:fc_weight': mx.nd.array([[.1, .2, .3, .4], [-.1, .3, .2, .5], [.3, -.2, .1, 0]]),
            'arg:fc_bias': mx.nd.array([.1, .2, .3])}


SIGNATURE = {
    'inputs': [{'data_name': 'left', 'data_shape': [0, 4]},
               {'data_name': 'right', 'data_shape': [0, 4]}],
    'outputs': [{'data_name': 'softmax', 'data_shape': [0, 3]}],
    'input_type': 'application/json', 'output_type': 'application/json',
}


@pytest.fixture
def model_folder(tmp_path):
    """A function: writes a model's files, returns (model_name, model_dir, manifest)."""

    def make(symbol=None, weights=None, signature=SIGNATURE, labels=None,
             params='dense-0000.params', name='dense'):
        folder = tmp_path / 'model'
        folder.mkdir(exist_ok=True)
        if symbol is not None:
            symbol.save(str(folder / 'dense-symbol.json'))
        if weights is not None:
            mx.nd.save(str(folder / params), weights)
        (folder / 'signature.json').write_text(json.dumps(signature), 'utf-8')
        if labels is not None:
            (folder / 'synset.txt').write_bytes(labels)
        model = {
            'Model-Name': name, 'Description': name, 'Service': 'service.py',
            'Signature': 'signature.json', 'Parameters': '' if weights is None else params,
            'Symbol': '' if symbol is None else 'dense-symbol.json',
            'Model-Format': 'Gluon-Imperative' if symbol is None else 'MXNet-Symbolic'}
        return name, str(folder), {'Model-Archive-Version': 0.2, 'Model-Server': 0.4,
                                   'Engine': {'MXNet': '1.2.1'}, 'Model': model}

    return make


@pytest.fixture
def dense():
    """The dense network: ``symbol(loss)``, ``weights()``, ``signature``."""
    return SimpleNamespace(symbol=dense_symbol, weights=dense_weights,
                           signature=json.loads(json.dumps(SIGNATURE)))

"""The models that the pages pack, serve and ask."""

import json

import mxnet as mx
import numpy as np
from extras import extra

from mms.export_model import export_model

LABELS = ['daisy', 'dandelion', 'rose', 'sunflower', 'tulip', 'violet']


def make_flowers(folder):
    """`my_model`: six classes of pictures of 24x24, with weights that are always the same."""
    data = mx.sym.Variable('data')
    pooled = mx.sym.Pooling(data / 255, kernel=(8, 8), stride=(8, 8), pool_type='avg')
    scores = mx.sym.FullyConnected(mx.sym.Flatten(pooled), num_hidden=len(LABELS), name='fc')
    weights = np.random.RandomState(5)
    save(mx.sym.SoftmaxOutput(scores, name='softmax'), folder / 'my_model', 'flowers', {
        'fc_weight': weights.normal(scale=0.6, size=(len(LABELS), 27)),
        'fc_bias': weights.normal(scale=0.3, size=len(LABELS)),
    })
    (folder / 'my_model' / 'synset.txt').write_text(''.join(f'{name}\n' for name in LABELS))
    sign(folder / 'my_model', {'data': [0, 3, 24, 24]}, 'image/jpeg', {'softmax': [0, 6]})


def make_scale(folder):
    """`scale`: a row of numbers times a factor."""
    product = mx.sym.broadcast_mul(mx.sym.Variable('values'), mx.sym.Variable('factor'))
    offset = mx.sym.Variable('offset', shape=(1, 1))
    symbol = mx.sym.broadcast_add(product, offset, name='scaled')
    save(symbol, folder / 'scale', 'scale', {'offset': np.zeros((1, 1))})
    sign(folder / 'scale', {'values': [0, 3], 'factor': [0, 1]}, 'application/json',
         {'scaled': [0, 3]})


def make_onnx(folder):
    """`my_onnx`: the flowers, as PyTorch would write them."""
    weights = np.random.RandomState(5)
    onnx = extra('onnx')
    graph = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> flowers '
        '(float[batch, 3, 24, 24] picture) => (float[batch, 6] scores) {'
        ' pooled = AveragePool <kernel_shape = [8, 8], strides = [8, 8]> (picture)'
        ' flat = Flatten (pooled)  raw = Gemm <transB = 1> (flat, weight, bias)'
        ' scores = Softmax <axis = 1> (raw) }')
    graph.graph.initializer.extend(
        onnx.numpy_helper.from_array(weights.normal(scale=0.01, size=shape).astype('f'), name)
        for name, shape in (('weight', (len(LABELS), 27)), ('bias', (len(LABELS),))))
    (folder / 'my_onnx').mkdir()
    onnx.save(graph, str(folder / 'my_onnx' / 'flowers.onnx'))
    (folder / 'my_onnx' / 'synset.txt').write_text(''.join(f'{name}\n' for name in LABELS))
    sign(folder / 'my_onnx', {'picture': [0, 3, 24, 24]}, 'image/jpeg', {'scores': [0, 6]})


def save(symbol, folder, name, arrays):
    folder.mkdir()
    symbol.save(str(folder / f'{name}-symbol.json'))
    mx.nd.save(str(folder / f'{name}-0000.params'),
               {f'arg:{key}': mx.nd.array(array) for key, array in arrays.items()})


def sign(folder, inputs, input_type, outputs):
    entries = {name: [{'data_name': key, 'data_shape': shape} for key, shape in shapes.items()]
               for name, shapes in (('inputs', inputs), ('outputs', outputs))}
    (folder / 'signature.json').write_text(json.dumps(
        {**entries, 'input_type': input_type, 'output_type': 'application/json'}))


def make_all(folder):
    """The folders, and ``flowers.model`` and ``scale.model``."""
    make_flowers(folder)
    make_scale(folder)
    make_onnx(folder)
    export_model('flowers', str(folder / 'my_model'), export_file=str(folder / 'flowers.model'))
    export_model('scale', str(folder / 'scale'), export_file=str(folder / 'scale.model'))

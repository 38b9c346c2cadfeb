"""What cannot be converted is refused with a message that the page on ONNX lists."""

import re

import mxnet as mx
import numpy as np
import pytest
from extras import onnx
from harness import REPO

from mms.errors import ExportError
from mms.exporter.conversion import Conversion, check_signature, convert_onnx
from mms.from_onnx.convert import convert
from mms.from_onnx.table import OPERATORS

TensorProto, helper, numpy_helper = onnx.TensorProto, onnx.helper, onnx.numpy_helper
PAGE = (REPO / 'docs' / 'onnx.md').read_text(encoding='utf-8')


def listed():
    """The page's messages -> a pattern, in which words in capitals stand for anything."""
    _, _, text = PAGE.partition('\n## Messages\n')
    found = re.findall(r'^\| `([^`]+)`', text, re.M)
    return {message: re.compile(re.sub(
        r'\b(NAMES?|FILE|OTHER|TYPE|SHAPE|REASON|N)\b', '.+', re.escape(message)) + '$')
        for message in found}


def parsed(nodes, signature='(float[N, 4] x) => (float[N, 4] y)'):
    return onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 13, "far" : 3]> net {signature} {{ {nodes} }}')


def written(folder, model):
    path = folder / 'net.onnx'
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return str(path)


def converted(model):
    """Convert in this process."""
    return lambda folder, _monkeypatch: convert(written(folder, model))


def with_outside_data(location):
    model = parsed('y = Add (x, w)')
    tensor = TensorProto(name='w', data_type=TensorProto.FLOAT, dims=[4],
                         data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key='location', value=location)
    model.graph.initializer.append(tensor)
    return model


def with_tensor(**fields):
    model = parsed('y = Add (x, w)')
    model.graph.initializer.append(TensorProto(name='w', dims=[4], **fields))
    return model


def with_sparse_parameter():
    model = parsed('y = Add (x, w)')
    values = numpy_helper.from_array(np.ones(1, np.float32), 'w')
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(
        values, numpy_helper.from_array(np.array([2]), 'places'), [4]))
    return model


def with_a_function_that_takes_less():
    model = parsed('y = far.Twice (x, x)')
    model.functions.append(helper.make_function(
        'far', 'Twice', ['a'], ['b'], [helper.make_node('Add', ['a', 'a'], ['b'])],
        [helper.make_opsetid('', 13)]))
    return model


def without_rank():
    model = parsed('y = Relu (x)')
    model.graph.input[0].type.tensor_type.ClearField('shape')
    return model


def without_opsets():
    model = parsed('y = Relu (x)')
    del model.opset_import[:]
    return model


def with_a_wrong_mapping(folder, monkeypatch):
    row = OPERATORS['Relu']._replace(translate=lambda node: mx.sym.expand_dims(node.sym(0), axis=0))
    monkeypatch.setitem(OPERATORS, 'Relu', row)
    convert(written(folder, parsed('y = Relu (x)')))


def with_a_mapping_for_one_length(folder, monkeypatch):
    row = OPERATORS['Relu']._replace(
        translate=lambda node: node.sym(0) * node.param('one', np.ones((1, 4), np.float32)))
    monkeypatch.setitem(OPERATORS, 'Relu', row)
    convert(written(folder, parsed('y = Relu (x)')))


def with_a_wrong_mapping_inside(folder, monkeypatch):
    row = OPERATORS['Relu']._replace(translate=lambda node: mx.sym.tile(node.sym(0), reps=(1, 2)))
    monkeypatch.setitem(OPERATORS, 'Relu', row)
    convert(written(folder, parsed('r = Relu (x)  y = ReduceSum (r)',
                                   '(float[N, 4] x) => (float[1, 1] y)')))


def in_no_folder(folder, _monkeypatch):
    convert_onnx(written(folder, parsed('y = Relu (x)')), 'net', str(folder / 'none'))


def signed(name, shape, outputs=1):
    made = Conversion('net-symbol.json', 'net-0000.params', ['net.onnx'], {'x': [0, 4]}, ['y'])
    signature = {'inputs': [{'data_name': name, 'data_shape': shape}],
                 'outputs': [{'data_name': 'label', 'data_shape': [0, 9]}] * outputs}
    return lambda _folder, _monkeypatch: check_signature(made, signature)


# What is done -> words of the message.
CASES = {
    'an operator that MXNet lacks': (converted(parsed('y = Det (x)')), "Det (node 'y', opset 13)"),
    'an operator of others': (converted(parsed('y = far.Trick (x)')),
                              "far.Trick (node 'y', opset 3)"),
    'an attribute that nobody knows': (converted(parsed('y = Relu <speed = 2> (x)')), 'speed'),
    'a type that an operator does not take': (
        converted(parsed('y = Sqrt (x)', '(int32[N] x) => (int32[N] y)')), 'int32'),
    'a loop': (converted(parsed(
        'c = Constant <value_int = 3> ()  y = Loop (c, , x) <body = b (int64 i, bool p, float[N] v)'
        ' => (bool p, float[N] w) { w = Relu (v) }>')), 'Loop'),
    'training': (converted(parsed('y = Dropout (x, , t)', '(float[N] x, bool t) => (float[N] y)')),
                 'training_mode'),
    'no protobuf': (converted(b'hello, I am no model'), 'its protobuf cannot be parsed'),
    'half a file': (converted(parsed('y = Relu (x)').SerializeToString()[:-20]), 'protobuf'),
    'nothing': (converted(b''), 'it holds no graph'),
    'no opset': (converted(without_opsets()), 'which opset'),
    'a function': (converted(with_a_function_that_takes_less()), 'its functions'),
    'a value from nowhere': (converted(parsed('y = Add (x, z)')), "nothing makes 'z'"),
    'too few bytes': (converted(with_tensor(data_type=TensorProto.FLOAT, raw_data=b'123')),
                      "the parameter 'w' cannot be read"),
    'no file': (lambda folder, _monkeypatch: convert(str(folder / 'none.onnx')), 'none.onnx'),
    'lost data': (converted(with_outside_data('weights.bin')), 'from weights.bin'),
    'data elsewhere': (converted(with_outside_data('../weights.bin')), "'../weights.bin'"),
    'data at the root': (converted(with_outside_data('/etc/hostname')), "'/etc/hostname'"),
    'a sparse parameter': (converted(with_sparse_parameter()), "'w'"),
    'text': (converted(parsed('y = Identity (x)', '(string[N] x) => (string[N] y)')), 'object'),
    'an input of nothing': (converted(parsed('y = Relu (x)', '(float[0] x) => (float[0] y)')),
                            'no elements'),
    'an input of any rank': (converted(without_rank()), "'x' does not say"),
    'shapes that do not fit': (converted(parsed(
        'w = Constant <value_floats = [1.0, 2.0, 3.0]> ()  y = Add (x, w)')),
        'could not be broadcast'),
    'a wrong mapping': (with_a_wrong_mapping, '(2, 4) in ONNX and (1, 2, 4) in MXNet'),
    'a wrong mapping inside': (with_a_wrong_mapping_inside, "'r' has the shape (2, 4) in ONNX"),
    'a mapping for one length': (with_a_mapping_for_one_length, 'is 1'),
    'an attribute that must be there': (
        converted(parsed('y = MaxPool (x)', '(float[N, 1, 4] x) => (float[N, 1, P] y)')),
        "MaxPool (node 'y', opset 13) cannot be converted: its attribute kernel_shape is missing"),
    'a type that is not said': (converted(parsed('y = Cast (x)')), 'its attribute to is missing'),
    'a dimension twice': (converted(parsed('y = Transpose <perm = [0, 0]> (x)')), 'perm [0, 0]'),
    'an attribute of another form': (
        converted(parsed('y = Elu <alpha = "much"> (x)')), "Elu (node 'y', opset 13)"),
    'a slice of a shape that names no place': (
        converted(parsed('s = Shape (x)  e = Constant <value = int64[0] {}> ()'
                         '  n = Slice (s, e, e)  y = Reshape (x, n)')),
        "Slice (node 'n', opset 13)"),
    'a slice between the end and a length': (
        converted(parsed('s = Shape (x)  a = Constant <value_ints = [0]> ()  n = Gather (s, a)'
                         '  b = Constant <value_ints = [-3]> ()  y = Slice (z, b, n, a)',
                         '(float[N, 4] x, float[M, 4] z) => (float[P, 4] y)')),
        'its start -3 counts from the end'),
    'a slice between the end and the front': (
        converted(parsed('a = Constant <value_ints = [0]> ()  b = Constant <value_ints = [-3]> ()'
                         '  e = Constant <value_ints = [2]> ()  y = Slice (x, b, e, a)')),
        'and its end 2 from the front'),
    'no folder': (in_no_folder, 'none/net-symbol.json'),
    'another name': (signed('data', [0, 4]), "'data' [0, 4], those of net.onnx are 'x' [0, 4]"),
    'another shape': (signed('x', [0, 5]), 'is [0, 5], in net.onnx it is [0, 4]'),
    'another rank': (signed('x', [0, 4, 1]), 'is [0, 4, 1], in net.onnx it is [0, 4]'),
    'too many outputs': (signed('x', [0, 4], 2), "it lists 2 outputs, net.onnx has 1: 'y'"),
}


@pytest.mark.parametrize('outputs', [0, 1])
def test_outputs_of_the_signature_may_be_fewer_with_names_and_shapes_of_their_own(outputs):
    signed('x', [0, 4], outputs)(None, None)


@pytest.fixture(scope='module')
def refusals(tmp_path_factory):
    """Case -> the message that it ends with."""
    return {case: refusal(case, tmp_path_factory.mktemp('case')) for case in CASES}


def refusal(case, folder):
    with pytest.MonkeyPatch.context() as monkeypatch, pytest.raises(ExportError) as caught:
        CASES[case][0](folder, monkeypatch)
    return str(caught.value)


@pytest.mark.parametrize('case', CASES)
def test_a_refusal_is_one_line_that_the_page_lists(case, refusals):
    message = refusals[case]
    assert '\n' not in message
    assert CASES[case][1] in message
    assert [text for text, pattern in listed().items() if pattern.match(message)], message


def test_every_message_of_the_page_is_met(refusals):
    assert {text for text, pattern in listed().items()
            if any(map(pattern.match, refusals.values()))} == set(listed())

"""Small networks, converted, answer as onnxruntime does: whatever the batch, old opsets too."""

import numpy as np
import pytest
from extras import onnx, onnxruntime
from onnx_wheel import TOLERANCE, predict

from mms.from_onnx.convert import convert

numpy_helper = onnx.numpy_helper
RANDOM = np.random.RandomState(7)


def model(text, opset, **weights):
    """A model whose nodes are `text`, with inputs and outputs as its first line says."""
    signature, _, body = text.strip().partition('\n')
    parsed = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]> net {signature} {{ {body} }}')
    parsed.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items())
    return parsed


def normal(*shape):
    return RANDOM.randn(*shape).astype(np.float32)


def largest_difference(parsed, folder, feeds):
    path = str(folder / 'net.onnx')
    onnx.save(parsed, path)
    answers = predict(convert(path), feeds)
    wanted = onnxruntime.InferenceSession(path).run(None, feeds)
    assert [answer.shape for answer in answers] == [array.shape or (1,) for array in wanted]
    return max(np.abs(answer - array).max() for answer, array in zip(answers, wanted))


# Name -> nodes, opset, weights, shapes of the inputs; N and T are told by a request alone.
NETWORKS = {
    'a classifier that flattens by the size of its input': ("""
        (float[N, 3, 8, 8] x) => (float[N, 10] y)
        c = Conv <pads = [1, 1, 1, 1]> (x, w, b)  r = Relu (c)
        p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (r)
        shape = Shape (p)  zero = Constant <value_int = 0> ()  axes = Constant <value_ints = [0]> ()
        batch = Gather (shape, zero)  first = Unsqueeze (batch, axes)
        rest = Constant <value_ints = [-1]> ()  wanted = Concat <axis = 0> (first, rest)
        flat = Reshape (p, wanted)  y = Gemm <transB = 1> (flat, v, u)""", 13,
        {'w': normal(4, 3, 3, 3), 'b': normal(4), 'v': normal(10, 64), 'u': normal(10)},
        {'x': (5, 3, 8, 8)}),
    'attention over a sentence of any length': ("""
        (float[N, T, 8] x) => (float[N, T, 8] y)
        q = MatMul (x, wq)  k = MatMul (x, wk)  s = Shape (x)
        zero = Constant <value_ints = [0]> ()  one = Constant <value_ints = [1]> ()
        n = Gather (s, zero)  t = Gather (s, one)
        heads = Constant <value_ints = [2, 4]> ()  split = Concat <axis = 0> (n, t, heads)
        q4 = Reshape (q, split)  qh = Transpose <perm = [0, 2, 1, 3]> (q4)
        k4 = Reshape (k, split)  kh = Transpose <perm = [0, 2, 3, 1]> (k4)
        scores = MatMul (qh, kh)  weights = Softmax <axis = -1> (scores)
        mixed = MatMul (weights, qh)  back = Transpose <perm = [0, 2, 1, 3]> (mixed)
        width = Constant <value_ints = [8]> ()  joined = Concat <axis = 0> (n, t, width)
        o = Reshape (back, joined)  sum = Add (o, x)
        y = LayerNormalization <axis = -1> (sum, g, h)""", 17,
        {'wq': normal(8, 8), 'wk': normal(8, 8), 'g': normal(8), 'h': normal(8)},
        {'x': (3, 5, 8)}),
    'a token in front of every sentence': ("""
        (float[N, 3, 4] x) => (float[N, 4, 4] y)
        s = Shape (x)  zero = Constant <value_ints = [0]> ()  n = Gather (s, zero)
        keep = Constant <value_ints = [1, 4]> ()  wanted = Concat <axis = 0> (n, keep)
        t = Expand (token, wanted)  y = Concat <axis = 1> (t, x)""", 13,
        {'token': normal(1, 1, 4)}, {'x': (2, 3, 4)}),
    'words by their numbers': ("""
        (int64[N, T] x) => (float[N, 6] y)
        e = Gather (table, x)  m = ReduceMean <axes = [1], keepdims = 0> (e)
        y = Tanh (m)""", 13, {'table': normal(11, 6)}, {'x': (2, 4)}),
    'a GRU both ways': ("""
        (float[T, N, 3] x) => (float[T, 2, N, 5] y)
        y = GRU <hidden_size = 5, direction = "bidirectional", linear_before_reset = 1>
            (x, w, r, b)""", 14,
        {'w': normal(2, 15, 3), 'r': normal(2, 15, 5), 'b': normal(2, 30)}, {'x': (4, 2, 3)}),
    'an LSTM with a state to begin with': ("""
        (float[T, N, 3] x, float[1, N, 5] h) => (float[T, 1, N, 5] y, float[1, N, 5] a)
        y, a, c = LSTM <hidden_size = 5, direction = "reverse"> (x, w, r, b, , h, h)""", 14,
        {'w': normal(1, 20, 3), 'r': normal(1, 20, 5), 'b': normal(1, 40)},
        {'x': (4, 2, 3), 'h': (1, 2, 5)}),
    'Softmax before opset 13 goes over all that follows': ("""
        (float[N, 3, 4] x) => (float[N, 3, 4] y, float[N, 3, 4] z)
        y = Softmax <axis = 1> (x)  z = LogSoftmax <axis = 2> (x)""", 11, {}, {'x': (2, 3, 4)}),
    'attributes that are inputs today': ("""
        (float[N, 3, 4, 5] x) => (float[N, 3, 2, 2] y)
        c = Clip <min = -0.5, max = 0.5> (x)  p = Pad <pads = [0, 0, 1, 0, 0, 0, 0, 2]> (c)
        s = Slice <axes = [2, 3], starts = [1, -3], ends = [3, 9223372036854775807]> (p)
        u = Unsqueeze <axes = [1]> (s)  q = Squeeze <axes = [1]> (u)
        a, b = Split <axis = 3, split = [2, 1]> (q)
        y = Identity (a)""", 9, {}, {'x': (2, 3, 4, 5)}),
    'pictures twice as large, whatever their size': ("""
        (float[N, 2, H, W] x) => (float[N, 2, V, U] y)
        y = Upsample <mode = "nearest"> (x, scales)""", 9,
        {'scales': np.array([1, 1, 2, 3], np.float32)}, {'x': (1, 2, 3, 4)}),
    'a convolution with more padding at one side': ("""
        (float[N, 4, 7, 6] x) => (float[N, 6, P, Q] y)
        a = Conv <auto_pad = "SAME_LOWER", strides = [2, 2], group = 2> (x, w)
        m = MaxPool <kernel_shape = [3, 3], strides = [2, 2], pads = [0, 1, 1, 0],
            ceil_mode = 1> (a)
        t = ConvTranspose <strides = [2, 1], output_padding = [1, 0], pads = [1, 0, 0, 1],
            dilations = [1, 2]> (m, v, b)
        y = AveragePool <kernel_shape = [2, 2], pads = [1, 0, 0, 1], count_include_pad = 1> (t)""",
        11, {'w': normal(6, 2, 3, 3), 'v': normal(6, 6, 3, 2), 'b': normal(6)},
        {'x': (2, 4, 7, 6)}),
    'the size of a pool whose last window is left out': ("""
        (float[N, 1, 6] x) => (float[N, 1, 2] y)
        p = MaxPool <kernel_shape = [3], strides = [3], pads = [1, 2], ceil_mode = 1> (x)
        a = AveragePool <kernel_shape = [2], strides = [3], pads = [0, 1], ceil_mode = 1> (x)
        s = Shape (a)  f = Flatten (a)  r = Reshape (f, s)
        n = Constant <value_ints = [2]> ()  q = Slice (p, zero, n, n)
        y = Add (q, r)""", 12, {'zero': np.array([0])}, {'x': (2, 1, 6)}),
    'a slice from beyond the front': ("""
        (float[N, 3] x) => (float[P, 3] y, float[Q, 3] z, float[R, 3] v)
        a = Constant <value_ints = [0]> ()  b = Constant <value_ints = [-8]> ()
        c = Constant <value_ints = [-1]> ()  e = Constant <value_ints = [9223372036854775807]> ()
        two = Constant <value_ints = [2]> ()
        y = Slice (x, b, c, a)  z = Slice (x, b, e, a, two)
        d = Constant <value_ints = [-3]> ()  v = Slice (x, d, c, a)""", 13, {}, {'x': (5, 3)}),
    'a slice of fixed length to a length of the request': ("""
        (float[N, 3] x, float[7, 2] z) => (float[P, 2] y)
        s = Shape (x)  a = Constant <value_ints = [0]> ()  n = Gather (s, a)
        b = Constant <value_ints = [-6]> ()  y = Slice (z, b, n, a)""", 13, {},
        {'x': (5, 3), 'z': (7, 2)}),
    'a rest of one row, of many divisors': ("""
        (float[N, 4] x) => (float[N, 4] y, float[N, 4] z)
        y = Mod <fmod = 1> (w, x)  z = Mod <fmod = 1> (x, w)""", 13, {'w': normal(1, 4)},
        {'x': (3, 4)}),
    'the largest of a row': ("""
        (float[4] x) => (float[4] y)
        h = Hardmax (x)  s = Shape (h)  y = Reshape (h, s)""", 13, {}, {'x': (4,)}),
    'the token of a vision transformer': ("""
        (float[N, 2, 4] x) => (float[N, 3, 4] y)
        s = Shape (x)  zero = Constant <value_int = 0> ()  a = Constant <value_ints = [0]> ()
        b = Gather (s, zero)  n = Unsqueeze (b, a)  keep = Constant <value_ints = [-1, -1]> ()
        sizes = Concat <axis = 0> (n, keep)  count = Shape (sizes)
        ones = ConstantOfShape <value = int64[1] {1}> (count)
        minus = Constant <value_int = -1> ()  open = Mul (ones, minus)
        e = Equal (sizes, open)  wanted = Where (e, ones, sizes)
        t = Expand (token, wanted)  y = Concat <axis = 1> (t, x)""", 13,
        {'token': normal(1, 1, 4)}, {'x': (3, 2, 4)}),
    'one dimension and three': ("""
        (float[N, 2, 9] x, float[N, 2, 5, 4, 6] z) => (float[N, 3, P] y, float[N, 3, 1, 1, 1] v)
        c = Conv <dilations = [2], pads = [2, 1]> (x, w)  y = AveragePool <kernel_shape = [2]> (c)
        d = Conv <strides = [2, 1, 1], pads = [1, 1, 1, 1, 1, 1]> (z, u)
        v = GlobalAveragePool (d)""", 13,
        {'w': normal(3, 2, 3), 'u': normal(3, 2, 3, 3, 3)}, {'x': (2, 2, 9), 'z': (2, 2, 5, 4, 6)}),
    'products of every rank': ("""
        (float[N,2,3,4] x) => (float[N,2,3,5] a, float[N,2,3] b, float[N,2,4,4] c, float[N,6,3,4] d)
        a = MatMul (x, one)  b = MatMul (x, row)  t = Transpose <perm = [0, 1, 3, 2]> (x)
        c = MatMul (t, x)  z = ReduceSum <keepdims = 1> (x, axis)  d = MatMul (many, z)""", 13,
        {'one': normal(1, 4, 5), 'row': normal(4), 'axis': np.array([1]),
         'many': normal(6, 3, 3)}, {'x': (2, 2, 3, 4)}),
    'choices between what is broadcast': ("""
        (float[N, 1, 4] x) => (float[N, 3, 4] y)
        m = Less (x, limit)  low = Constant <value_float = -1e30> ()  y = Where (m, low, row)""",
        13, {'limit': normal(3, 1), 'row': normal(4)}, {'x': (2, 1, 4)}),
    'places of words, as many as there are': ("""
        (int64[N, T] x) => (float[N, T, 6] y, float[T, 6] z)
        e = Gather (table, x)  s = Shape (x)  one = Constant <value_int = 1> ()
        axes = Constant <value_ints = [0]> ()  zero = Constant <value_int = 0> ()
        scalar = Gather (s, one)  t = Unsqueeze (scalar, axes)
        second = Constant <value_ints = [1]> ()
        used = Slice (places, axes, t, second)  p = Gather (table, used)  y = Add (e, p)
        r = Range (zero, scalar, one)  z = Gather (table, r)""", 13,
        {'table': normal(11, 6), 'places': np.arange(11).reshape(1, 11)}, {'x': (2, 4)}),
    'vectors of length one': ("""
        (float[N, 4] x) => (float[N, 4] y)
        y = LpNormalization <axis = 1, p = 2> (x)""", 13, {}, {'x': (3, 4)}),
}


@pytest.mark.parametrize('name', NETWORKS)
def test_a_network_answers_as_onnxruntime_does(name, tmp_path):
    text, opset, weights, shapes = NETWORKS[name]
    parsed = model(text, opset, **weights)
    whole = {value.name for value in parsed.graph.input
             if value.type.tensor_type.elem_type == onnx.TensorProto.INT64}
    feeds = {key: RANDOM.randint(0, 11, shape) if key in whole else normal(*shape)
             for key, shape in shapes.items()}
    assert largest_difference(parsed, tmp_path, feeds) < TOLERANCE


@pytest.mark.parametrize('node', [
    'Round (x)', 'Sign (x)', 'ThresholdedRelu (x)', 'Shrink <bias = 0.5> (x)',
    'ReduceLogSumExp <axes = [1]> (x)', 'Mod <fmod = 1> (w, x)', 'Mod <fmod = 1> (x, w)'])
def test_infinities_and_what_is_no_number_come_out_as_in_onnxruntime(node, tmp_path):
    path, infinity = str(tmp_path / 'net.onnx'), np.inf
    onnx.save(model(f'(float[N, 3] x) => (float[N, M] y)\ny = {node}', 13,
                    w=np.array([[np.inf, 3, 0]], np.float32)), path)
    rows = [[infinity, 1, -2.5], [-infinity, -infinity, -infinity], [infinity, -infinity, 0.5],
            [1, -infinity, 1.5], [np.nan, -1, 2.5]]
    feeds = {'x': np.array(rows, np.float32)}
    (wanted,) = onnxruntime.InferenceSession(path).run(None, feeds)
    np.testing.assert_allclose(predict(convert(path), feeds)[0], wanted, rtol=1e-6)


def test_a_network_of_random_weights_from_the_wheel_answers_as_onnxruntime_does(tmp_path):
    squeezenet = onnx.load(onnx_light('squeezenet'))
    parsed = with_random_weights(squeezenet)
    assert largest_difference(parsed, tmp_path, {'data_0': normal(1, 3, 224, 224)}) < TOLERANCE


def onnx_light(name):
    from onnx_wheel import DATA

    return str(DATA / 'light' / f'light_{name}.onnx')


def with_random_weights(parsed):
    """The files in the wheel hold shapes only, and make every weight the same."""
    graph = parsed.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    shapes = {node.output[0]: tuple(constants[node.input[0]]) for node in graph.node
              if node.op_type == 'ConstantOfShape'}
    kept = [node for node in graph.node if node.output[0] not in shapes]
    del graph.node[:]
    graph.node.extend(kept)
    graph.initializer.extend(
        numpy_helper.from_array(normal(*shape) * np.sqrt(2 / np.prod(shape[1:])).astype('f'), name)
        for name, shape in shapes.items())
    parsed.ir_version = 4  # in 3, every constant must be listed among the inputs
    return parsed


def test_a_branch_is_taken_where_its_condition_is_known(tmp_path):
    parsed = model("""
        (float[N, 4] x) => (float[N, 4] y, float[N, 4] z)
        yes = Constant <value = bool {1}> ()
        y = If (yes) <then_branch = a () => (float[N, 4] u) { u = Tanh (x) },
                      else_branch = b () => (float[N, 4] v) { v = Det (x) }>
        z = Identity (y)""", 13)
    assert largest_difference(parsed, tmp_path, {'x': normal(2, 4)}) < TOLERANCE
    names = [name for name, _ in convert(str(tmp_path / 'net.onnx')).outputs]
    assert names == ['y', 'z']


def test_functions_of_the_file_are_expanded(tmp_path):
    parsed = model("""
        (float[N, 4] x) => (float[N, 4] y)
        y = own.Twice (x)""", 13)
    parsed.opset_import.append(onnx.helper.make_opsetid('own', 1))
    parsed.functions.append(onnx.helper.make_function(
        'own', 'Twice', ['a'], ['b'], [onnx.helper.make_node('Add', ['a', 'a'], ['b'])],
        [onnx.helper.make_opsetid('', 13)]))
    assert largest_difference(parsed, tmp_path, {'x': normal(2, 4)}) < TOLERANCE


def test_inputs_that_no_output_needs_and_those_with_a_value_do_not_count(tmp_path):
    parsed = model("""
        (float[N, 4] x, float[4] w, float[2] other) => (float[N, 4] y, float[4] c, float[N, 4] x2)
        y = Add (x, w)  c = Neg (w)  x2 = Identity (x)""", 13, w=normal(4))
    assert largest_difference(parsed, tmp_path, {'x': normal(2, 4), 'other': normal(2)}) < TOLERANCE
    converted = convert(str(tmp_path / 'net.onnx'))
    assert converted.inputs == [('x', (0, 4), np.dtype('float32'))]
    assert converted.outputs == [('y', (0, 4)), ('c', (4,)), ('x2', (0, 4))]

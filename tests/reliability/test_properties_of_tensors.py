"""Tensors and requests of the Open Inference Protocol that a client could send."""

import json
from math import prod
from types import SimpleNamespace

import numpy as np
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from mms.errors import RequestError
from mms.ipc.request import OPEN_INFERENCE, Entries, Request
from mms.worker.codecs.codec import Endpoint
from mms.worker.codecs.inference_v2.binary import from_binary, to_binary
from mms.worker.codecs.inference_v2.codec import InferenceV2
from mms.worker.codecs.inference_v2.json_data import from_json, to_json_text
from mms.worker.codecs.inference_v2.tensor import BYTES, NUMBERS

SHAPES = st.lists(st.integers(0, 3), max_size=4)
SIGNATURE = {'inputs': [{'data_name': 'a', 'data_shape': [0]}],
             'outputs': [{'data_name': 'out', 'data_shape': [0]}],
             'input_type': 'application/json', 'output_type': 'application/json'}
PICTURE = {**SIGNATURE, 'input_type': 'image/jpeg'}
ODD = st.sampled_from([0, -1, 1, 2**63, 2**64, 1e308, '', None, True, 'FP32', 'BYTES', '\ud800']) \
    | st.lists(st.integers(0, 2), max_size=3) | st.dictionaries(st.text(max_size=3), st.integers())
TENSORS = st.fixed_dictionaries({
    'name': st.just('a') | ODD, 'datatype': st.sampled_from([*NUMBERS, BYTES]) | ODD,
    'shape': SHAPES | ODD}, optional={
        'data': ODD | st.lists(st.integers(-2, 300) | st.floats() | st.text(max_size=2),
                               max_size=4),
        'parameters': st.fixed_dictionaries({'binary_data_size': st.integers(0, 20) | ODD}) | ODD})
REQUESTS = st.fixed_dictionaries({'inputs': st.lists(TENSORS, max_size=2) | ODD}, optional={
    'id': st.text(max_size=2) | ODD,
    'outputs': st.lists(st.fixed_dictionaries({'name': st.just('out') | ODD}, optional={
        'parameters': st.fixed_dictionaries({'classification': ODD, 'binary_data': ODD})}),
        max_size=2) | ODD,
    'parameters': st.fixed_dictionaries({'binary_data_output': ODD}) | ODD})
PREDICTIONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner,
                                                                max_size=2), max_leaves=8)


@settings(max_examples=examples(100))
@given(st.sampled_from(sorted(NUMBERS)), SHAPES, st.data())
def test_a_tensor_of_any_bytes_is_the_same_either_way(datatype, shape, data):
    kind = np.dtype('<f4') if datatype == 'BF16' else NUMBERS[datatype]
    size = prod(shape) * NUMBERS[datatype].itemsize
    raw = data.draw(st.binary(min_size=size, max_size=size))
    values = from_binary('a', datatype, shape, memoryview(raw))
    again = from_binary('a', datatype, shape, memoryview(to_binary(datatype, values)))
    assert (again.dtype, again.shape) == (kind, tuple(shape))
    assert np.array_equal(values, again, equal_nan=kind.kind == 'f')
    text = to_json_text(datatype, values)
    if np.isfinite(values).all():
        told = from_json('a', datatype, shape, json.loads(text))
        assert np.array_equal(told, values)


@settings(max_examples=examples(120))
@given(REQUESTS, st.binary(max_size=20), st.sampled_from([None, 0, 1, -1]),
       st.sampled_from([SIGNATURE, PICTURE]), PREDICTIONS)
def test_a_request_is_answered_or_refused(document, behind, wrong_by, signature, prediction):
    head = json.dumps(document).encode()
    headers = {} if wrong_by is None else {
        'Inference-Header-Content-Length': str(len(head) + wrong_by)}
    codec = InferenceV2(Endpoint('m', SimpleNamespace(signature=signature), 10**6))
    try:
        found = codec.decode(Request(OPEN_INFERENCE, '', bytearray(head + behind), headers=headers))
        if isinstance(found, Entries):
            assert signature is PICTURE
            return
        answer = found.encode(prediction)
    except RequestError:
        return
    length = int(answer.headers.get('Inference-Header-Content-Length', len(answer.content)))
    assert json.loads(answer.content[:length])['outputs']

"""Requests of the Open Inference Protocol, read and answered for a service, without a process."""

import gzip
import json
import math
import tracemalloc
import zlib
from base64 import b64encode

import numpy as np
import pytest
from harness import KITTEN

from mms.errors import BadRequest, PayloadTooLarge
from mms.ipc.request import OPEN_INFERENCE, OPEN_INFERENCE_ENTRY, Entries, Request
from mms.model_service.hook_marks import gives_outputs, takes_arrays
from mms.model_service.model_service import SingleNodeService
from mms.worker.codecs.codec import Endpoint
from mms.worker.codecs.inference_v2.codec import InferenceV2
from mms.worker.codecs.inference_v2.wrong import shown
from mms.worker.hooks import answer_alone

LENGTH = 'Inference-Header-Content-Length'


class Service(SingleNodeService):
    def __init__(self, shapes=((0, 2),), outputs=('out',), kind='application/json', **more):
        self.signature = {
            'inputs': [{'data_name': f'in{number}', 'data_shape': list(shape), **more}
                       for number, shape in enumerate(shapes)],
            'outputs': [{'data_name': name, 'data_shape': [0, 2]} for name in outputs],
            'input_type': kind, 'output_type': 'application/json'}

    signature = None


def tensor(data, shape, datatype='FP32', name='in0', **parameters):
    made = {'name': name, 'shape': shape, 'datatype': datatype}
    if parameters:
        return {**made, 'parameters': parameters}
    return {**made, 'data': data}


def body(*inputs, behind=b'', **more):
    text = json.dumps({'inputs': list(inputs), **more}).encode()
    headers = {LENGTH: str(len(text))} if behind else {}
    return text + behind, headers


def decoded(service, content, headers=()):
    codec = InferenceV2(Endpoint('m', service, 10**8))
    return codec.decode(Request(OPEN_INFERENCE, '', bytearray(content), headers=dict(headers)))


def inputs_of(content, headers=(), **options):
    return decoded(Service(**options), content, headers).inputs


def refusal(content, headers=(), **options):
    with pytest.raises(BadRequest) as caught:
        decoded(Service(**options), content, headers)
    return str(caught.value)


def answered(prediction, content=None, headers=(), **options):
    content = content or body(tensor([1, 2], [1, 2]))[0]
    return decoded(Service(**options), content, headers).encode(prediction)


def outputs_of(prediction, **options):
    return json.loads(answered(prediction, **options).content)['outputs']


def test_a_service_gets_lists_as_from_a_form():
    assert inputs_of(*body(tensor([1, 2], [1, 2]))) == [[[1.0, 2.0]]]
    whole, = inputs_of(*body(tensor([1, 2], [2], 'INT8')))
    assert whole == [1, 2]
    assert type(whole[0]) is int
    assert inputs_of(*body(tensor(['a', 'b'], [2, 1], 'BYTES'))) == [[['a'], ['b']]]
    assert inputs_of(*body(tensor([5], [], 'INT32'))) == [[5]]
    assert inputs_of(*body(tensor([], [2, 0]))) == [[[], []]]


def test_inputs_come_in_the_order_of_the_signature_and_binary_ones_in_their_own():
    behind = np.array([1, 2], '<f4').tobytes() + np.array([3, 4], '<i2').tobytes()
    content = body(tensor(None, [2], name='in2', binary_data_size=8), tensor([9], [1], name='in1'),
                   tensor(None, [2], 'INT16', binary_data_size=4), behind=behind)
    assert inputs_of(*content, shapes=((0,), (0,), (0,))) == [[3, 4], [9.0], [1.0, 2.0]]


def test_a_hook_that_takes_arrays_gets_arrays():
    class Built(Service):
        @takes_arrays
        def _preprocess(self, data):
            return data

    array, = decoded(Built(), *body(tensor([1, 2], [1, 2]))).inputs
    assert isinstance(array, np.ndarray)
    assert array.dtype == np.float32


@pytest.mark.parametrize(('content', 'reason'), [
    (b'no json', 'the request is no JSON'),
    (b'[1]', 'must be an object, not [1]'),
    (b'{"inputs":' + b'[' * 101, 'nested too deeply'),
    (b'{"inputs":[' + b'[],' * 10**6 + b'[]]}', 'would take too much memory'),
    (b'{}', 'inputs must be a list of tensors'),
    (b'{"inputs":[1]}', 'an input must be an object with a name'),
    (body(tensor([1], [1], 'FLOAT'))[0], 'must be one of BOOL, UINT8'),
    (body(tensor([1], [-1]))[0], 'must be a list of 32 whole numbers at most'),
    (body(tensor([1], [1.0]))[0], 'must be a list of 32 whole numbers at most'),
    (body(tensor([1], [1] * 33))[0], 'must be a list of 32 whole numbers at most'),
    (body(tensor([], [0, 2**62, 2**62]))[0], 'is beyond any memory'),
    (body(tensor([], [10**9, 0]))[0], 'too much memory as lists'),
    (body({**tensor(1, [1], binary_data_size=4), 'data': [1]})[0], 'must have either data'),
    (body({'name': 'in0', 'shape': [1], 'datatype': 'FP32'})[0], 'must have either data'),
    (body(tensor(1, [1], binary_data_size=4))[0], 'expecting 4 additional bytes'),
    (body(tensor(1, [1], binary_data_size=-4))[0], 'must be a whole number from 0'),
    (body(tensor(1, [1], shared_memory_region='x'))[0], 'is in shared memory'),
    (body(tensor([1, 2], [1, 2]), tensor([1, 2], [1, 2]))[0], 'two inputs have the same name'),
    (body(tensor([1, 2], [1, 2], name='x'))[0], "unexpected inference input 'x'"),
    (body(tensor([1], [1]), id=3)[0], 'the id must be a text'),
    (body(tensor([1], [1]), id='a' * 1001)[0], 'the id has 1001 characters; 1000 are the most'),
    (body(tensor([1], [1]), parameters=[1])[0], 'the parameters of the request must be an object'),
    (body(tensor([1], [1]), parameters={'triton_x': 1})[0], "begins with 'triton_'"),
    (body(tensor([1], [1]), parameters={'binary_data_output': 1})[0], 'must be true or false'),
    (body(tensor([1], [1]), outputs=3)[0], 'outputs must be a list'),
    (body(tensor([1], [1]), outputs=[{}])[0], 'an output must be an object with a name'),
    (body(tensor([1], [1]), outputs=[{'name': 'y'}])[0], "unexpected inference output 'y'"),
    (body(tensor([1], [1]), outputs=[{'name': 'out'}] * 2)[0], 'two outputs have the same name'),
])
def test_a_request_that_is_wrong_is_told_why(content, reason):
    assert reason in refusal(content)


@pytest.mark.parametrize(('length', 'reason'), [
    ('x', 'must be a number of bytes'), ('-1', 'must be a number of bytes'),
    ('9' * 30, 'must be a number of bytes'), ('0' * 20 + '9', 'must be a number of bytes'),
    ('1000', 'and the body has'), ('5', 'is no JSON')])
def test_the_length_of_the_json_has_to_be_right(length, reason):
    assert reason in refusal(body(tensor([1], [1]))[0], {LENGTH: length})


def test_bytes_that_belong_to_no_input_are_refused():
    assert 'unexpected additional input data' in refusal(*body(tensor([1], [1]), behind=b'1234'))


def test_a_shape_of_many_short_lists_takes_no_memory():
    content = body(tensor(None, [2**20, *[1] * 30], 'BOOL', binary_data_size=2**20),
                   behind=bytes(2**20))
    tracemalloc.start()
    assert 'too much memory as lists' in refusal(*content)
    assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    tracemalloc.stop()


def test_a_long_text_among_many_items_takes_no_memory():
    content = body(tensor([['a' * 10_000, *[''] * 999]], [1000], 'FP32'))
    tracemalloc.start()
    assert 'must be numbers of FP32 in lists' in refusal(*content)
    assert tracemalloc.get_traced_memory()[1] < 2 * 2**20
    tracemalloc.stop()


def test_bytes_that_are_no_text_are_no_list():
    content = body(tensor(None, [1], 'BYTES', binary_data_size=5), behind=b'\x01\0\0\0\xff')
    assert 'bytes that are no text in UTF-8' in refusal(*content)


def picture(datatype='BYTES', shape=(1,), data=None, behind=None):
    if behind is None:
        return body(tensor(data, list(shape), datatype))
    return body(tensor(None, list(shape), datatype, binary_data_size=len(behind)), behind=behind)


def test_a_picture_is_an_element_of_bytes_or_base64_or_bytes_in_a_row():
    kitten = KITTEN.read_bytes()
    element = len(kitten).to_bytes(4, 'little') + kitten
    ways = [picture(behind=element), picture(shape=(1, 1), behind=element),
            picture(data=[b64encode(kitten).decode()]),
            picture('UINT8', [len(kitten)], behind=kitten), (kitten, {LENGTH: '0'})]
    for content in ways:
        assert inputs_of(*content, kind='image/jpeg') == [kitten]


def test_several_pictures_are_so_many_requests():
    kitten = KITTEN.read_bytes()
    element = len(kitten).to_bytes(4, 'little') + kitten
    rows = np.array([[1, 2], [3, 4]], '<f4').tobytes()
    content, headers = body(
        tensor(None, [2], 'BYTES', binary_data_size=2 * len(element)),
        tensor(None, [2, 2], name='in1', binary_data_size=16), behind=element * 2 + rows, id='a',
        outputs=[{'name': 'out', 'parameters': {'binary_data': True}}])
    service = Service(((0, 3, 8, 8), (0, 2)), kind='image/jpeg')
    service.signature['inputs'][1]['input_type'] = 'application/json'
    entries = decoded(service, content, headers)
    assert (type(entries), entries.name, len(entries.requests)) == (Entries, 'in0', 2)
    codec = InferenceV2(Endpoint('m', service, 10**8), is_entry=True)
    for number, request in enumerate(entries.requests):
        assert request.protocol == OPEN_INFERENCE_ENTRY
        found = codec.decode(request)
        assert found.inputs == [kitten, [[2.0 * number + 1, 2.0 * number + 2]]]
        answer = found.encode([0.5])
        assert answer.content.endswith(np.float32(0.5).tobytes())
        assert int(answer.headers[LENGTH]) == len(answer.content) - 4


@pytest.mark.parametrize(('shape', 'rows'), [
    ([2], [['a'], ['b']]), ([2, 1], [[['a']], [['b']]]),
    ([2, 2], [[['a', 'b']], [['c', 'd']]]),
    ([2, 1, 2], [[[['a', 'b']]], [[['c', 'd']]]]), ([2, 0], [[[]], [[]]])])
def test_each_of_several_pictures_has_its_row_of_texts(shape, rows):
    kitten = KITTEN.read_bytes()
    picture = b64encode(kitten).decode()
    service = Service(((0, 3, 8, 8), (0, 2)), kind='image/jpeg')
    service.signature['inputs'][1]['input_type'] = 'application/json'
    texts = list('abcd')[:math.prod(shape)]
    content, headers = body(tensor([picture] * 2, [2], 'BYTES'),
                            tensor(texts, shape, 'BYTES', name='in1'))
    codec = InferenceV2(Endpoint('m', service, 10**8), is_entry=True)
    found = [codec.decode(request).inputs
             for request in decoded(service, content, headers).requests]
    assert found == [[kitten, row] for row in rows]
    content, headers = body(tensor([picture] * 2, [2], 'BYTES'),
                            tensor(['a', 'b'], [1, 2], 'BYTES', name='in1'))
    with pytest.raises(BadRequest, match=r"'in1' of the shape \[1, 2\] has not a row for each"):
        decoded(service, content, headers)


def test_of_an_entry_json_lies_behind_the_json():
    codec = InferenceV2(Endpoint('m', Service(), 10**8), is_entry=True)
    request = Request(OPEN_INFERENCE_ENTRY, '', body(tensor([1, 2], [1, 2]))[0])
    answer = codec.decode(request).encode([0.5, 1.5])
    output, = json.loads(answer.content[:int(answer.headers[LENGTH])])['outputs']
    assert output['parameters'] == {'binary_data_size': 7, 'is_text': True}
    assert answer.content.endswith(b'}]}0.5,1.5')


def test_pictures_need_a_row_of_every_input():
    pictures = tensor([b64encode(KITTEN.read_bytes()).decode()] * 2, [2], 'BYTES')
    numbers = tensor([1], [1], name='in1')
    options = {'shapes': ((0, 3, 8, 8), (0,)), 'kind': 'image/jpeg'}
    reason = refusal(*body(pictures, numbers), **options)
    assert "input 'in1' of the shape [1] has not a row for each of 2 pictures" in reason
    # Each entry would have the name that the client has given.
    assert refusal(*body(pictures, numbers, tensor([1, 2], [2], name='x')), **options).startswith(
        "unexpected inference input 'x'")
    assert 'in1 is missing' in refusal(*body(pictures), **options)
    assert 'holds no picture' in refusal(*body(tensor([], [0], 'BYTES')), kind='image/jpeg')
    assert 'that is no base64' in refusal(
        *body(tensor(['*', '*'], [2], 'BYTES')), kind='image/jpeg')
    with pytest.raises(PayloadTooLarge, match='1001 entries'):
        inputs_of(*body(tensor([''] * 1001, [1001], 'BYTES')), kind='image/jpeg')


@pytest.mark.parametrize(('kind', 'error', 'reason'), [
    ('image/jpeg', PayloadTooLarge, '2000000 entries'),
    ('application/json', BadRequest, 'too much memory as lists')])
def test_of_too_many_elements_none_is_made(kind, error, reason):
    count = 2_000_000
    content = body(tensor(None, [count], 'BYTES', binary_data_size=4 * count),
                   behind=bytes(4 * count))
    tracemalloc.start()
    with pytest.raises(error, match=reason):
        inputs_of(*content, kind=kind)
    assert tracemalloc.get_traced_memory()[1] < 5 * count
    tracemalloc.stop()


def test_what_is_no_picture_is_refused():
    assert 'is a picture, which is BYTES, not FP32' in refusal(
        *body(tensor([1], [1])), kind='image/jpeg')
    assert 'its bytes are no picture' in refusal(b'text', {LENGTH: '0'}, kind='image/jpeg')


def test_a_raw_body_is_the_one_tensor_of_a_model():
    values = np.array([1, 2], '<f4').tobytes()
    assert inputs_of(values, {LENGTH: '0'}) == [[[1.0, 2.0]]]
    assert inputs_of(values, {LENGTH: '00'}, shapes=((0, 0),)) == [[[1.0, 2.0]]]
    assert inputs_of(values, {LENGTH: ' 0'}, shapes=((2,),)) == [[1.0, 2.0]]
    assert inputs_of(b'\1\2', {LENGTH: '0'}, datatype='INT8') == [[[1, 2]]]
    assert inputs_of(b'text', {LENGTH: '0'}, datatype='BYTES') == [['text']]
    assert 'takes 2 inputs' in refusal(values, {LENGTH: '0'}, shapes=((1,), (1,)))
    assert 'several dimensions of any length' in refusal(values, {LENGTH: '0'}, shapes=((0, 0, 0),))
    assert 'has 7 bytes of data' in refusal(values[:7], {LENGTH: '0'})


@pytest.mark.parametrize(('prediction', 'datatype', 'shape', 'data'), [
    ([[0.5, 1.5]], 'FP32', [1, 2], [0.5, 1.5]),
    ([[[0.5, 1.5]]], 'FP32', [1, 2], [0.5, 1.5]),
    ([1, 2], 'INT64', [2], [1, 2]),
    (3, 'INT64', [1], [3]),
    ([[True, False]], 'BOOL', [1, 2], [True, False]),
    ([1e300], 'FP64', [1], [1e300]),
    ('text', 'BYTES', [1], ['text']),
    (['a', 'b'], 'BYTES', [2], ['a', 'b']),
    ({'a': 1}, 'BYTES', [1], ['{"a":1}']),
    ([[{'a': 1}, {'b': None}]], 'BYTES', [1, 2], ['{"a":1}', '{"b":null}']),
    ([[1, 2], [3]], 'BYTES', [2], ['[1,2]', '[3]']),
    (None, 'BYTES', [1], ['null']),
    ([], 'FP32', [0], []),
    ({'out': [1.5]}, 'FP32', [1], [1.5]),
    ([np.ones((1, 2), np.float16)], 'FP16', [1, 2], [1, 1]),
    (np.uint8(7), 'UINT8', [1], [7]),
])
def test_what_a_service_has_answered_becomes_a_tensor(prediction, datatype, shape, data):
    assert outputs_of(prediction) == [
        {'name': 'out', 'datatype': datatype, 'shape': shape, 'data': data}]


def test_a_list_of_as_many_as_there_are_outputs_has_one_for_each():
    both = outputs_of([[1.5], ['x']], outputs=('a', 'b'))
    assert [(output['name'], output['data']) for output in both] == [('a', [1.5]), ('b', ['x'])]
    only, = outputs_of([1, 2], outputs=())
    assert (only['name'], only['data']) == ('prediction', [1, 2])


def test_the_signature_says_of_which_type_an_output_is():
    service = Service()
    service.signature['outputs'][0]['datatype'] = 'BF16'
    content = json.loads(decoded(service, body(tensor([1, 2], [1, 2]))[0]).encode([1.5]).content)
    assert content['outputs'][0]['datatype'] == 'BF16'
    service.signature['outputs'][0]['datatype'] = 'INT8'
    with pytest.raises(ValueError, match='holds no numbers, and its signature says INT8'):
        decoded(service, body(tensor([1, 2], [1, 2]))[0]).encode(['text'])


def test_an_answer_has_the_id_and_binary_outputs_behind_the_json():
    content, _ = body(tensor([1, 2], [1, 2]), id='mine', parameters={'binary_data_output': True},
                      outputs=[{'name': 'b', 'parameters': {'binary_data': False}}, {'name': 'a'}])
    answer = answered([[1.5], [2]], content, outputs=('a', 'b'))
    length = int(answer.headers[LENGTH])
    head = json.loads(answer.content[:length])
    assert (head['id'], head['model_name'], head['model_version']) == ('mine', 'm', '1')
    assert [output['name'] for output in head['outputs']] == ['b', 'a']
    assert head['outputs'][0]['data'] == [2]
    assert head['outputs'][1]['parameters'] == {'binary_data_size': 4}
    assert answer.content[length:] == np.float32(1.5).tobytes()
    assert answer.content_type == 'application/octet-stream'


def test_outputs_of_a_raw_request_are_binary():
    values = np.array([1, 2], '<f4').tobytes()
    answer = answered([1.5], values, {LENGTH: '0'})
    assert answer.content.endswith(np.float32(1.5).tobytes())


def test_bytes_that_are_no_text_are_given_as_binary_data_alone():
    with pytest.raises(BadRequest, match='ask for it as binary data'):
        answered([b'\xff'])
    content, _ = body(tensor([1, 2], [1, 2]), parameters={'binary_data_output': True})
    assert answered([b'\xff'], content).content.endswith(b'\1\0\0\0\xff')


def test_the_largest_numbers_are_the_classes():
    service = Service()
    service.labels = ['cat', 'dog']
    wanted = [{'name': 'out', 'parameters': {'classification': 2}}]
    content, _ = body(tensor([1, 2], [1, 2]), outputs=wanted)
    answer = json.loads(decoded(service, content).encode([[[.25, .5, .75], [1, 0, 0]]]).content)
    output, = answer['outputs']
    assert (output['datatype'], output['shape']) == ('BYTES', [2, 2])
    assert output['data'] == ['0.750000:2', '0.500000:1:dog', '1.000000:0:cat', '0.000000:1:dog']
    answer = json.loads(decoded(service, content).encode([np.ones((0, 3))]).content)
    assert (answer['outputs'][0]['shape'], answer['outputs'][0]['data']) == ([0, 2], [])
    with pytest.raises(BadRequest, match='holds no numbers'):
        decoded(service, content).encode(['text'])


@pytest.mark.parametrize(('accepted', 'unpack'), [
    ('gzip', gzip.decompress), ('deflate;q=0.5', zlib.decompress),
    ('br, gzip;q=0.2, *;q=0', gzip.decompress), ('*', gzip.decompress),
    ('deflate, gzip', zlib.decompress), ('gzip;q=0', None),
    ('br', None), ('', None), ('gzip;q=x', None), ('identity, gzip;q=0.5', None)])
def test_a_large_answer_is_in_the_encoding_that_is_accepted(accepted, unpack):
    content, _ = body(tensor([1, 2], [1, 2]), parameters={'binary_data_output': True})
    answer = answered([list(range(1000))], content, {'Accept-Encoding': accepted})
    plain = answered([list(range(1000))], content)
    assert (answer.headers.get('Content-Encoding') is None) is (unpack is None)
    assert (unpack(answer.content) if unpack else answer.content) == plain.content
    assert answer.headers[LENGTH] == plain.headers[LENGTH]


def test_a_built_in_postprocess_is_left_out_and_its_time_is_that_of_the_answer():
    class Built(Service):
        def _inference(self, data):
            return [np.array(data[0], np.float32) * 2]

        @gives_outputs
        def _postprocess(self, data):
            raise AssertionError('it makes texts')

    service = Built()
    reply = answer_alone(service, Request(OPEN_INFERENCE, '', bytearray(
        body(tensor([1, 2], [1, 2]))[0])), InferenceV2(Endpoint('m', service, 10**6)))
    assert json.loads(reply.body)['outputs'][0]['data'] == [2.0, 4.0]
    assert reply.stage_times_ms.keys() == {'preprocess', 'inference', 'postprocess'}


@pytest.mark.parametrize('value', [
    None, True, 1.5, 2**70, '', "it's", 'é' * 98, [], {}, [1, [2, {}], 'x'],
    {'a': {'b': [None, 'c']}, 'd': 1}, list(range(30)), 'x' * 98, 'x' * 99, 'x' * 101,
    [['y' * 60] * 2] * 3, {'k' * 200: 1}, list(range(1000))])
def test_what_a_message_shows_is_the_beginning_of_a_value(value):
    text = repr(value)
    assert shown(value) == (text if len(text) <= 100 else f'{text[:100]}...')


def test_of_what_is_large_no_more_is_looked_at_than_is_shown():
    large = {'a': ['x' * 1_000_000] * 3, 'b': {'y' * 1_000_000: list(range(1000))}}
    deep = []
    for _ in range(10_000):
        deep = [deep]
    tracemalloc.start()
    assert shown(large) == "{'a': ['" + 'x' * 92 + '...'
    assert shown(deep) == '[' * 100 + '...'
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()

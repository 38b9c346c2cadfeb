"""Answers to the entries of a request of the Open Inference Protocol, as one."""

import json
import struct
import tracemalloc

import pytest

from mms.errors import BadRequest, BuffersFull, RequestError
from mms.ipc.request import Reply
from mms.runtime.byte_budget import PIECE_BYTES, ByteBudget, ChunkedBuffer
from mms.serving.joined_tensors import joined_tensors

LENGTH = 'Inference-Header-Content-Length'
BINARY = 'application/octet-stream'


def answer(*outputs, budget=None, headers=None, called='a'):
    """Of outputs as (name, datatype, shape, data, whether it is JSON)."""
    described = [{'name': name, 'datatype': kind, 'shape': shape, 'parameters': {
        'binary_data_size': len(data), **({'is_text': True} if is_text else {})}}
        for name, kind, shape, data, is_text in outputs]
    head = json.dumps({'model_name': 'm', 'id': called, 'outputs': described}).encode()
    content = ChunkedBuffer(budget or ByteBudget())
    content.append(head + b''.join(output[3] for output in outputs))
    return Reply(content, {}, BINARY, 200, headers or {LENGTH: str(len(head))})


def of_size(size):
    head = b'{"outputs":[{"name":"x","datatype":"FP32","shape":[1],"parameters":' \
        b'{"binary_data_size":%s}}]}' % size.encode()
    return Reply(head, {}, headers={LENGTH: str(len(head))})


def cut(reply):
    return Reply(bytes(reply.content)[:-1], {}, headers=reply.headers)


def floats(*values, name='x', shape=None):
    return name, 'FP32', shape or [1, len(values)], struct.pack(f'<{len(values)}f', *values), False


def text(data, name='t', shape=(1, 2), kind='FP32'):
    return name, kind, list(shape), data, True


def test_binary_rows_lie_behind_each_other_by_output():
    joined = joined_tensors([answer(floats(1, 2), floats(7, name='y')),
                             answer(floats(3, 4), floats(8, name='y'))])
    body = bytes(joined.content)
    start = int(joined.headers[LENGTH])
    head = json.loads(body[:start])
    assert (head['model_name'], head['id'], joined.content_type) == ('m', 'a', BINARY)
    assert [output['shape'] for output in head['outputs']] == [[2, 2], [2, 1]]
    assert [output['parameters'] for output in head['outputs']] == [
        {'binary_data_size': 16}, {'binary_data_size': 8}]
    assert struct.unpack('<6f', body[start:]) == (1, 2, 3, 4, 7, 8)


def test_json_rows_become_json_and_an_empty_one_leaves_no_comma():
    joined = joined_tensors([answer(text(b'1,NaN')), answer(text(b'', shape=(0, 2))),
                             answer(text(b'3,4'))])
    assert (joined.headers, joined.content_type) == ({}, 'application/json')
    output, = json.loads(bytes(joined.content))['outputs']
    assert output['shape'] == [2, 2]
    assert 'parameters' not in output
    assert str(output['data']) == '[1, nan, 3, 4]'


def test_both_may_be_in_one_answer():
    joined = joined_tensors([answer(floats(1), text(b'"a","b"', kind='BYTES'))] * 1)
    start = int(joined.headers[LENGTH])
    first, second = json.loads(bytes(joined.content)[:start])['outputs']
    assert (first['parameters'], second['data']) == ({'binary_data_size': 4}, ['a', 'b'])


@pytest.mark.parametrize('other', [floats(1, 2, 3), ('x', 'FP64', [1, 2], bytes(16), False)])
def test_rows_that_differ_are_no_output(other):
    with pytest.raises(BadRequest, match='has another shape or type for each picture'):
        joined_tensors([answer(floats(1, 2)), answer(other)])


def test_answers_have_the_same_outputs():
    with pytest.raises(BadRequest, match='the pictures have not the same outputs'):
        joined_tensors([answer(floats(1), floats(2, name='y')), answer(floats(1))])


def test_what_a_request_calls_itself_may_be_half_a_character():
    joined = joined_tensors([answer(floats(1), called='\ud800')])
    assert json.loads(bytes(joined.content)[:int(joined.headers[LENGTH])])['id'] == '\ud800'


@pytest.mark.parametrize('reply', [
    Reply(b'{}', {}), Reply(b'{}', {}, headers={LENGTH: '2'}),
    Reply(b'[]', {}, headers={LENGTH: '2'}), Reply(b'{"outputs":[1]}', {}, headers={LENGTH: '15'}),
    answer(('x', 'FP32', [], b'', False)), answer(floats(1), headers={LENGTH: 'x'}),
    answer(floats(1), headers={LENGTH: '3'}), answer(floats(1), headers={LENGTH: '-3'}),
    answer(floats(1), headers={LENGTH: str(2**40)}), cut(answer(floats(1, 2))),
    of_size('-1'), of_size('Infinity'), of_size('1e400'), of_size('true'),
    Reply(b'[' * 100_000, {}, headers={LENGTH: '100000'})])
def test_what_is_something_else_is_no_answer(reply):
    with pytest.raises(RequestError, match='what are no tensors'):
        joined_tensors([reply])


def test_what_is_joined_counts_once():
    budget = ByteBudget(250_000)
    joined = joined_tensors([answer(floats(*[1] * 25_000), budget=budget) for _ in range(2)])
    assert budget.held_bytes == len(joined.content)
    del joined
    assert budget.held_bytes == 0
    full = [answer(floats(*[1] * 25_000), budget=budget) for _ in range(2)]
    budget.limit_bytes = 150_000
    with pytest.raises(BuffersFull):
        joined_tensors(full)


def test_what_is_large_is_handed_on_in_pieces_and_never_held_twice():
    # In pieces, as they come from a worker.
    replies = []
    for number in range(2):
        whole = answer(floats(*[number] * 500_000))
        content = ChunkedBuffer(ByteBudget())
        for start in range(0, len(whole.content), PIECE_BYTES):
            content.append(bytes(whole.content)[start:start + PIECE_BYTES])
        replies.append(Reply(content, {}, BINARY, 200, whole.headers))
    del whole, content
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        joined = joined_tensors(replies)
        most = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    start = int(joined.headers[LENGTH])
    data = bytes(joined.content)[start:]
    assert struct.unpack_from('<f', data)[0] == 0
    assert struct.unpack_from('<f', data, len(data) // 2)[0] == 1
    assert len(data) == 4_000_000
    # What tracemalloc has not seen made, it does not see freed.
    assert most < len(data) + 8 * PIECE_BYTES

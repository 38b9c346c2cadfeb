import numpy as np
import pytest

from mms.errors import SignatureError
from mms.worker.loading.live_signature import live_signature

INPUT = {'data_name': 'data', 'data_shape': [1, 2]}


def test_one_from_a_file_stays_as_it_is():
    signature = {'inputs': [INPUT], 'input_type': 'image/jpeg',
                 'outputs': [], 'output_type': 'application/json', 'more': {'x': 1}}
    assert live_signature(signature) == signature


@pytest.mark.parametrize('shape', [(1, 2), np.array([1, 2]), [np.int64(1), np.int32(2)]])
def test_a_shape_may_be_a_tuple_or_of_numpy(shape):
    signature = live_signature({'inputs': [{**INPUT, 'data_shape': shape}],
                                'input_type': 'application/json'})
    assert signature['inputs'] == [INPUT]
    assert signature['outputs'] == []


def test_a_negative_length_is_any_length():
    signature = live_signature({'inputs': [{**INPUT, 'data_shape': (-1, 3)}],
                                'input_type': 'application/json'})
    assert signature['inputs'][0]['data_shape'] == [0, 3]


@pytest.mark.parametrize('signature', [
    None, [], {}, {'inputs': [INPUT]}, {'inputs': [INPUT], 'input_type': 'text/plain'},
    {'inputs': None, 'input_type': 'application/json'},
    {'inputs': [{'data_name': 'x'}], 'input_type': 'application/json'},
])
def test_one_that_names_no_inputs_is_refused(signature):
    with pytest.raises(SignatureError, match='the signature of its service'):
        live_signature(signature)

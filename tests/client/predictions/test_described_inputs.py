"""What a model takes, as the server tells."""

import pytest
from harness import PICTURES, TENSORS

from mms.client import Input
from mms.client.predictions.description import models_of
from mms.frontend.api.swagger import describe


def test_what_a_server_describes_is_understood():
    told = {'description': describe({'p': PICTURES, 'a name/ä': TENSORS}, 'localhost', 8080)}
    assert models_of(told) == {'p': (Input('data', True, '[3, 8, 8]'),),
                               'a name/ä': (Input('data', False, '[1]'),)}


def test_other_endpoints_are_no_models():
    paths = {'/ping': {'get': {}}, '/m/predict': {'get': {}}, '/v2/models/m/infer': {'post': {}}}
    assert models_of({'description': {'paths': paths}}) == {}


def test_a_description_may_be_short():
    parameter = {'name': 'x', 'type': 'file'}
    assert models_of({'description': {'paths': {'/m/predict': {
        'post': {'parameters': [parameter]}}}}}) == {'m': (Input('x', True, ''),)}


@pytest.mark.parametrize('content', [
    None, [], 'x', {}, {'description': None}, {'description': {'paths': None}},
    {'description': {'paths': {'/m/predict': {'post': {}}}}},
    {'description': {'paths': {'/m/predict': {'post': {'parameters': [1]}}}}},
])
def test_what_is_no_description_is_told(content):
    with pytest.raises(ValueError, match='no description'):
        models_of(content)

"""A service may set what it has, before and after its base's constructor."""

import copy

import mxnet as mx
import pytest

from mms.model_service.gluon_vision_service import GluonVisionService
from mms.model_service.model_service import ModelService, MultiNodesService, SingleNodeService
from mms.model_service.mxnet_model_service import GluonImperativeBaseService, MXNetBaseService
from mms.model_service.mxnet_vision_service import MXNetVisionService
from mms.worker.loading.live_signature import signature_of

PLAIN = [ModelService, SingleNodeService, MultiNodesService]
OF_MXNET = [MXNetBaseService, MXNetVisionService, GluonImperativeBaseService, GluonVisionService]
OTHER = {'inputs': [{'data_name': 'other', 'data_shape': (0, 4)}],
         'outputs': [], 'input_type': 'application/json', 'output_type': 'application/json'}
KEPT = {'signature': OTHER, 'param_filename': 'other.params', 'labels': ['cat', 'dog']}


def deriving(base, before=(), after=()):
    """A service class that sets attributes around its base's constructor."""
    class Service(base):
        def __init__(self, model_name, model_dir, manifest, gpu=None):
            for name, value in dict(before).items():
                setattr(self, name, copy.deepcopy(value))
            super().__init__(model_name, model_dir, manifest, gpu=gpu)
            for name, value in dict(after).items():
                setattr(self, name, copy.deepcopy(value))

    return Service


@pytest.mark.parametrize('base', PLAIN + OF_MXNET)
def test_every_attribute_can_be_set_after_the_bases_constructor(base, model_folder):
    values = {**KEPT, 'model_name': 'renamed', 'ctx': mx.cpu(3), 'mx_model': 'a module',
              'net': 'a network'}
    service = deriving(base, after=values)(*model_folder(labels=b'a\nb\n'))
    assert {name: getattr(service, name) for name in values} == values


@pytest.mark.parametrize('base', PLAIN)
def test_what_is_set_before_the_constructor_of_a_plain_base_stays(base, model_folder):
    service = deriving(base, before={**KEPT, 'ctx': mx.cpu(3), 'model_name': 'x'})(*model_folder())
    assert {name: getattr(service, name) for name in KEPT} == KEPT
    assert (service.ctx, service.model_name) == (mx.cpu(3), 'dense')


@pytest.mark.parametrize('base', OF_MXNET)
def test_what_is_set_before_the_constructor_of_an_mxnet_base_stays(base, model_folder):
    folder = model_folder(labels=b'a\nb\n')
    service = deriving(base, before={**KEPT, 'ctx': mx.cpu(3), 'model_name': 'x'})(*folder)
    assert signature_of(service)['inputs'][0]['data_name'] == 'other'
    assert (service.param_filename, service.labels) == ('other.params', ['cat', 'dog'])
    assert (service.ctx, service.model_name) == (mx.cpu(), 'dense')


@pytest.mark.parametrize('base', [GluonImperativeBaseService, GluonVisionService])
def test_a_network_that_is_set_before_the_constructor_gets_the_archives_weights(
        base, model_folder):
    weights = {'weight': mx.nd.ones((2, 4)), 'bias': mx.nd.zeros(2)}

    class Service(base):
        def __init__(self, model_name, model_dir, manifest, gpu=None):
            self.net = mx.gluon.nn.Dense(2, in_units=4)
            super().__init__(model_name, model_dir, manifest, gpu=gpu)

    service = Service(*model_folder(weights=weights))
    assert service.net(mx.nd.array([[1, 2, 3, 4]])).asnumpy().tolist() == [[10, 10]]


def test_a_symbolic_network_is_bound_for_the_signature_that_was_set_before(model_folder):
    signature = {'inputs': [{'data_name': 'data', 'data_shape': (0, 7)}],
                 'input_type': 'application/json'}
    folder = model_folder(mx.sym.var('data') * 2, {},
                          {**OTHER, 'inputs': [{'data_name': 'data', 'data_shape': [0, 2]}]})
    service = deriving(MXNetBaseService, before={'signature': signature})(*folder)
    assert service.mx_model.data_shapes[0].shape == (1, 7)
    assert service.inference([[[1] * 7]]) == [str([[2.0] * 7])]


def test_a_signature_that_replaces_the_archives_keeps_the_output_format(model_folder):
    service = deriving(MXNetBaseService, after={'signature': OTHER})
    service.output_format = 'lists'
    assert signature_of(service(*model_folder()))['output_format'] == 'lists'
    said = deriving(MXNetBaseService, after={'signature': {**OTHER, 'output_format': 'text'}})
    said.output_format = 'lists'
    assert signature_of(said(*model_folder()))['output_format'] == 'text'


def test_a_service_that_defines_its_signature_as_a_property_needs_no_setter():
    class Service(SingleNodeService):
        @property
        def signature(self):
            return OTHER

    assert Service('name', '/', {}).signature is OTHER

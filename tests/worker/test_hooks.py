"""One request through a service, without a process around it."""

import sys
import weakref

import pytest

from mms.errors import BadRequest
from mms.ipc.request import CLASSIC, Failure, Reply, Request
from mms.model_service.model_service import SingleNodeService
from mms.worker.codecs.classic import Classic, encode_prediction
from mms.worker.codecs.codec import Decoded, Endpoint
from mms.worker.hooks import HOOK_FAILED, answer_alone, ill_health

pytestmark = pytest.mark.core

SIGNATURE = {'inputs': [{'data_name': 'data', 'data_shape': [0]}], 'outputs': [],
             'input_type': 'application/json', 'output_type': 'application/json'}
ONE = Request(CLASSIC, 'application/x-www-form-urlencoded', b'data=[1]')


class Service(SingleNodeService):
    signature = SIGNATURE

    def __init__(self, hook=lambda data: data):
        self._hook = hook

    def _inference(self, data):
        return self._hook(data)


def raises(error):
    def hook(data):
        raise error
    return hook


def answer(service, request=ONE):
    return answer_alone(service, request, Classic(Endpoint('m', service, 100)))


@pytest.mark.parametrize('error', [
    ValueError('x'), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), MemoryError()])
def test_whatever_a_hook_raises_is_its_failure_and_the_traceback_is_logged(error, caplog):
    assert answer(Service(raises(error))) == Failure('InferenceError', HOOK_FAILED)
    assert type(error).__name__ in caplog.text
    assert 'in hook' in caplog.text


def test_a_bad_request_of_a_hook_goes_to_the_client():
    assert answer(Service(raises(BadRequest('too cold')))) == Failure('BadRequest', 'too cold')


def test_a_service_that_loses_its_signature_fails_at_that_request():
    service = Service()
    service.signature = None
    assert answer(service).error == 'InferenceError'


def test_an_error_of_a_service_s_own_is_that_of_its_nearest_base():
    class TooCold(BadRequest):
        pass

    assert answer(Service(raises(TooCold('brr')))) == Failure('BadRequest', 'brr')


@pytest.mark.parametrize(('times', 'kept'), [
    ({'inference': 2}, {'inference': 2.0}), ({b'x': 1.5}, {"b'x'": 1.5}), ({'x': 'slow'}, {}),
    (None, {}), ([1], {}), ({'x': object()}, {}),
])
def test_stage_times_that_are_no_numbers_cost_no_request(times, kept):
    service = Service(lambda data: setattr(service, 'stage_times_ms', times) or data)
    service.inference = lambda data: service._hook(data)
    assert answer(service) == Reply(b'{"prediction":[[1]]}\n', kept)


@pytest.mark.parametrize('error', [OSError('no licence'), SystemExit('no licence')])
def test_a_ping_that_does_not_return_is_the_reason(error):
    service = Service()
    assert ill_health(service) == ''
    service.ping = lambda: raises(error)(None)
    assert ill_health(service) == f'{type(error).__name__}: no licence'


class Inputs(list):
    """A list whose end can be seen."""


class Reading:
    """A codec that knows whether the inputs that it read are still there."""

    def decode(self, request):
        inputs = Inputs([1])
        self.are_there = weakref.ref(inputs)
        return Decoded(inputs, encode_prediction)


class Replacing(Service):
    def _preprocess(self, data):
        return ['ready']


@pytest.mark.skipif(sys.version_info < (3, 11), reason='Python itself keeps what it hands over')
def test_inputs_are_gone_once_the_service_has_made_others_of_them():
    codec = Reading()
    reply = answer_alone(Replacing(lambda data: [codec.are_there() is None, *data]), ONE, codec)
    assert reply.content == b'{"prediction":[true,"ready"]}\n'

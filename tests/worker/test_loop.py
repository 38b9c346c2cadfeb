"""A worker's answers to messages, without a process around them."""

import pytest

from mms.errors import BadRequest, InferenceError
from mms.model_service.model_service import SingleNodeService
from mms.wire import Failure, Ping, Pong, Reply, Request
from mms.worker.loop import HOOK_FAILED, ill_health, predict, serve

SIGNATURE = {'inputs': [{'data_name': 'data', 'data_shape': [0]}], 'outputs': [],
             'input_type': 'application/json', 'output_type': 'application/json'}
FORM = 'application/x-www-form-urlencoded'
ONE = Request(FORM, b'data=[1]')


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


class Scripted:
    """A channel whose other end has sent some messages and gone."""

    def __init__(self, *messages):
        self._messages = list(messages)
        self.sent = []

    def receive(self):
        from mms.wire import ChannelClosed
        if not self._messages:
            raise ChannelClosed
        return self._messages.pop(0)

    def send(self, message):
        self.sent.append(message)


def test_each_message_gets_one_answer_until_the_front_is_gone():
    channel = Scripted(Ping(), ONE, Request(FORM, b'data={}'), ONE)
    serve(channel, Service(), 100)
    assert [type(answer) for answer in channel.sent] == [Pong, Reply, Failure, Reply]
    assert channel.sent[1].prediction == b'[[1]]'
    assert channel.sent[2].error == 'BadRequest'


@pytest.mark.parametrize('error', [
    ValueError('x'), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), MemoryError()])
def test_whatever_a_hook_raises_is_its_failure_and_the_traceback_is_logged(error, caplog):
    with pytest.raises(InferenceError, match=HOOK_FAILED):
        predict(ONE, Service(raises(error)), 100)
    assert type(error).__name__ in caplog.text
    assert 'in hook' in caplog.text


def test_a_bad_request_of_a_hook_goes_to_the_client():
    with pytest.raises(BadRequest, match='too cold'):
        predict(ONE, Service(raises(BadRequest('too cold'))), 100)


def test_a_service_that_loses_its_signature_fails_at_that_request():
    service = Service()
    service.signature = None
    with pytest.raises(InferenceError):
        predict(ONE, service, 100)


@pytest.mark.parametrize(('times', 'kept'), [
    ({'inference': 2}, {'inference': 2.0}), ({b'x': 1.5}, {"b'x'": 1.5}), ({'x': 'slow'}, {}),
    (None, {}), ([1], {}), ({'x': object()}, {}),
])
def test_stage_times_that_are_no_numbers_cost_no_request(times, kept):
    service = Service(lambda data: setattr(service, 'stage_times_ms', times) or data)
    service.inference = lambda data: service._hook(data)
    assert predict(ONE, service, 100) == Reply(b'[[1]]', kept)


@pytest.mark.parametrize('error', [OSError('no licence'), SystemExit('no licence')])
def test_a_ping_that_does_not_return_is_the_reason(error):
    service = Service()
    assert ill_health(service) == ''
    service.ping = lambda: raises(error)(None)
    assert ill_health(service) == f'{type(error).__name__}: no licence'

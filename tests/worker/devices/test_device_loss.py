"""A process whose device failed computes nothing more. The errors are CUDA's words, without a GPU.

What is in hand is answered where it can be; the rest is left to another process.
"""

import numpy as np
import pytest
from scripted import ONE, SIGNATURE, TWO, Scripted, Service

from mms.errors import BadRequest
from mms.ipc.messages import JOINT, TRIAL, Answered, Ping, Pong, Ready, Result, Work
from mms.ipc.request import Failure, Reply
from mms.worker.codecs.classic import Classic
from mms.worker.codecs.codec import Endpoint
from mms.worker.devices import device_loss
from mms.worker.devices.device_loss import DeviceLost
from mms.worker.loop import ModelProcess

WORDS = ('Check failed: e == cudaSuccess: CUDA: an illegal memory access was encountered',
         'cudaMalloc retry failed: out of memory')


@pytest.fixture(autouse=True)
def well(monkeypatch):
    """A device that is well, before and after."""
    monkeypatch.setattr(device_loss, '_lost', [])


class Failing(Service):
    """Its ``_inference`` fails over the given values, as MXNet would tell of it."""

    def __init__(self, *values, words=WORDS[0], rows=0, notes=True):
        super().__init__()
        self._values, self._words, self._rows, self._notes = values, words, rows, notes

    def _preprocess(self, data):
        return np.array([data[0]], dtype='float32')

    def _inference(self, data):
        if self._notes:
            self.sizes.append(len(data))
        if len(data) > self._rows > 0 or np.isin(self._values, data).any():
            raise RuntimeError(self._words)
        return data * 2


class Ends(Scripted):
    """A channel that notes when nothing more can be sent to it."""

    def take_no_more(self):
        self.sent.append('no more')


def told(service, *messages):
    """What the process sends, and whether it ends for its device."""
    channel = Ends(*messages)
    try:
        ModelProcess(channel, -1, service, Ready(SIGNATURE, 'Service'), None,
                     Classic(Endpoint('m', service, 100)), report_memory=False,
                     later=None).serve()
    except DeviceLost:
        return channel.sent, True
    return channel.sent, False


def test_the_request_is_answered_and_the_process_ends_before_another():
    service = Failing(1)
    sent, ended = told(service, Work([ONE]), Work([TWO]))
    assert ended
    assert sent[0] == 'no more'
    [result] = sent[1:]
    assert isinstance(result, Result)
    assert [answer.error for answer in result.answers] == ['InferenceError']
    assert service.sizes == [1]


@pytest.mark.parametrize('how', ['alone', TRIAL, JOINT])
def test_memory_that_does_not_suffice_ends_nothing(how):
    sent, ended = told(Failing(1, words=WORDS[1]), Work([ONE, TWO], how), Work([TWO]))
    assert not ended
    assert 'no more' not in sent
    answers = [answer for message in sent for answer in message.answers]
    assert [type(answer) for answer in answers] == [Failure, Reply, Reply]


def test_a_joint_run_that_lost_the_device_is_not_tried_one_by_one():
    service = Failing(rows=1)
    sent, ended = told(service, Work([ONE, TWO], JOINT), Work([ONE]))
    assert ended
    assert not [message for message in sent if isinstance(message, Result)]
    assert service.sizes == [2]


def test_a_trial_whose_request_lost_the_device_leaves_the_next_to_another_process():
    service = Failing(1)
    sent, ended = told(service, Work([ONE, TWO], TRIAL))
    assert ended
    [part] = sent
    assert type(part) is Answered
    assert list(part.places) == [0]
    assert service.sizes == [1]


def test_a_trial_whose_last_request_lost_the_device_runs_nothing_together():
    service = Failing(2)
    sent, ended = told(service, Work([ONE, TWO], TRIAL))
    assert ended
    assert service.sizes == [1, 1]
    assert isinstance(sent[-1], Result)
    assert not sent[-1].compared
    assert not sent[-1].refusal


def test_a_trial_that_loses_the_device_in_its_joint_run_has_sent_all_answers():
    sent, ended = told(Failing(rows=1, notes=False), Work([ONE, TWO], TRIAL))
    assert ended
    assert [place for part in sent for place in part.places] == [0, 1]
    assert not [message for message in sent if isinstance(message, Result)]


def test_a_ping_that_finds_the_device_lost_is_answered_and_ends_the_process():
    class Sick(Service):
        def ping(self):
            raise RuntimeError(WORDS[0])

    sent, ended = told(Sick(), Ping(), Ping())
    assert ended
    assert sent[0] == 'no more'
    assert [type(message) for message in sent[1:]] == [Pong]


def test_a_hook_that_blames_the_client_for_it_does_not_hide_it():
    class Blaming(Failing):
        def _inference(self, data):
            try:
                return super()._inference(data)
            except RuntimeError as error:
                raise BadRequest('try another picture') from error

    sent, ended = told(Blaming(1), Work([ONE]))
    assert ended
    assert [answer.error for answer in sent[-1].answers] == ['BadRequest']

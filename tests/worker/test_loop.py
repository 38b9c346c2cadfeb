"""What a process of a model answers to messages, without a process around it."""

import json
import time

import pytest
from harness import predicted
from scripted import BAD, ONE, SIGNATURE, TWO, Scripted, Service

from mms.ipc.messages import JOINT, TRIAL, Answered, More, Ping, Pong, Ready, Result, Work
from mms.ipc.request import Failure, Reply
from mms.runtime.private_memory import FreedMemoryLimit
from mms.worker import outbox
from mms.worker.codecs.classic import Classic
from mms.worker.codecs.codec import Endpoint
from mms.worker.loop import ModelProcess

pytestmark = pytest.mark.core


class Stateless(Service):
    def _inference(self, data):
        return data * 2


def told(*messages, service=None, report_memory=False):
    """What a process answers to the messages."""
    channel = Scripted(*messages)
    service = service or Service()
    ModelProcess(channel, -1, service, Ready(SIGNATURE, 'Service'), None,
                 Classic(Endpoint('m', service, 100)),
                 report_memory, None).serve()
    return channel.sent


class Slow(Stateless):
    """Answers so slowly that each answer is a message of its own."""

    def _postprocess(self, data):
        time.sleep(0.02)
        return data[0]


def predictions(result):
    return [json.loads(predicted(answer)) if isinstance(answer, Reply) else answer.error
            for answer in result.answers]


def in_order(messages):
    """All predictions in the order of their requests, however many messages they came in."""
    return [prediction for _, prediction in sorted(
        (place, prediction) for message in messages
        for place, prediction in zip(message.places, predictions(message)))]


def test_each_message_gets_one_answer_until_the_front_is_gone():
    sent = told(Ping(), Work([ONE]), Work([BAD]), Work([TWO]))
    assert [type(answer) for answer in sent] == [Pong, Result, Result, Result]
    assert [predictions(result) for result in sent[1:]] == [[[2]], ['BadRequest'], [[4]]]


@pytest.mark.parametrize(('messages', 'times'), [
    ([Work([ONE]), 60.0], 1),
    ([Work([ONE]), 0.1, Work([TWO]), 60.0], 1),
    ([Work([ONE]), 60.0, Work([TWO]), 60.0], 2),
    # Whoever asks for health now and then keeps nobody from resting.
    ([Work([ONE]), 0.1, Ping(), 60.0, Ping(), 60.0], 1),
    ([Ping(), 60.0], 0),
])
def test_memory_is_given_back_when_nothing_was_computed_for_a_while(monkeypatch, messages, times):
    kept = []
    monkeypatch.setattr(FreedMemoryLimit, 'keep', lambda freed_memory: kept.append(freed_memory))
    told(*messages)
    assert len(kept) == times


def test_requests_that_run_alone_are_answered_in_their_order():
    service = Service()
    assert in_order(told(Work([ONE, BAD, TWO]), service=service)) == [[2], 'BadRequest', [4]]
    assert service.sizes == [1, 1]


def test_requests_that_run_together_are_one_inference():
    service = Service()
    early, *results = told(Work([ONE, BAD, TWO], JOINT), service=service)
    # What fails in _preprocess waits for no inference.
    assert (early.places, predictions(early)) == ([1], ['BadRequest'])
    assert in_order(results) == [[2], [4]]
    assert service.sizes == [2]


def test_a_worker_with_room_asks_for_more_until_there_is_no_room_or_no_more():
    service = Service()
    sent = told(Work([ONE], JOINT, 3), Work([TWO], JOINT, 2), Work([], JOINT, 0), service=service)
    assert sent[:2] == [More(3), More(2)]
    assert in_order(sent[2:]) == [[2], [4]]
    sent = told(Work([ONE], JOINT, 1), Work([TWO], JOINT, 0), service=service)
    assert sent[0] == More(1)
    assert in_order(sent[1:]) == [[2], [4]]
    assert service.sizes == [2, 2]


def test_answers_are_sent_as_they_come_where_they_come_slowly():
    sent = told(Work([ONE, TWO]), service=Slow())
    assert [type(message) for message in sent] == [Answered, Result]
    assert [(message.places, predictions(message)) for message in sent] == [
        ([0], [[2]]), ([1], [[4]])]
    sent = told(Work([ONE], JOINT, 1), Work([TWO], JOINT, 0), service=Slow())
    assert [list(message.places) for message in sent[1:]] == [[0], [1]]


def test_what_all_of_a_batch_have_waited_for_makes_none_of_them_slow():
    class SlowTogether(Stateless):
        def _inference(self, data):
            time.sleep(0.02)
            return data * 2

    sent = told(Work([ONE, TWO], JOINT), service=SlowTogether())
    assert [type(message) for message in sent] == [Result]


def test_answers_leave_together_where_others_had_the_core_between_them(monkeypatch):
    # The thread sleeps, and neither computes nor says that it has waited: so it looks.
    monkeypatch.setattr(outbox, '_waits', lambda: 0)
    sent = told(Work([ONE, TWO], JOINT), service=Slow())
    assert [type(message) for message in sent] == [Result]


def test_a_trial_answers_before_it_compares_and_says_what_it_found():
    for service, requests, expected, compared, refusal in (
            (Stateless(), [ONE, TWO], [[2], [4]], True, ''),
            (Stateless(), [ONE, BAD], [[2], 'BadRequest'], False, ''),
            (Service(), [ONE, TWO], [[2], [4]], False, 'its _inference writes self.sizes')):
        *answered, result = told(Work(requests, TRIAL), service=service)
        assert [place for part in answered for place in part.places] == [0, 1]
        assert [each for part in answered for each in predictions(part)] == expected
        assert (result.answers, result.compared, result.refusal) == ([], compared, refusal)


def test_a_worker_says_how_much_memory_it_has_for_itself_if_this_is_asked():
    for how in ('alone', TRIAL, JOINT):
        assert told(Work([ONE], how))[-1].memory_bytes == 0
        assert told(Work([ONE], how), report_memory=True)[-1].memory_bytes > 1_000_000


def test_a_failure_has_no_numbers():
    assert told(Work([BAD]))[0].answers == [Failure('BadRequest', (
        'Input data for request argument: data is not correct. application/json is expected '
        "but got <class 'dict'> instead of list"))]

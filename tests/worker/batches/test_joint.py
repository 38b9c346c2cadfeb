"""Requests that run together."""

import json

import mxnet as mx
import pytest
from real_services import CASES, Ask, Plain, classic, inputs_of, recorded

from mms.errors import BadRequest
from mms.ipc.channel import Failure, Reply
from mms.model_service.model_service import ModelService, SingleNodeService
from mms.worker.batches.compare import compare_predictions
from mms.worker.batches.joint import answer_jointly, obstacle

pytestmark = pytest.mark.core

ROWS = [Ask([[[number, 1.]]]) for number in range(5)]

def none():
    return ()


class Doubler(SingleNodeService):
    def __init__(self):
        self.batches = []

    def _preprocess(self, data):
        if data[0] == 'bad':
            raise BadRequest('bad')
        return [mx.nd.array(data[0])]

    def _inference(self, data):
        self.batches.append(data[0].shape[0])
        if (data[0].asnumpy() == 3).any():
            raise ValueError('three')
        return data[0] * 2

    def _postprocess(self, data):
        return data.asnumpy().tolist()


def test_requests_of_one_shape_share_one_inference_and_latecomers_join():
    service, later = Doubler(), [ROWS[2:3], ()]
    answers = answer_jointly(service, ROWS[:2], Plain(), lambda: later.pop(0))
    assert [json.loads(answer.body) for answer in answers] == [[[0, 2]], [[2, 2]], [[4, 2]]]
    assert service.batches == [3]
    assert [list(answer.stage_times_ms) for answer in answers] == [
        ['preprocess', 'inference', 'postprocess']] * 3
    assert len({answer.stage_times_ms['inference'] for answer in answers}) == 1


def test_a_request_that_fails_fails_alone(caplog):
    service = Doubler()
    requests = [ROWS[0], Ask(['bad']), ROWS[3], Ask(BadRequest('worse')), ROWS[1]]
    answers = answer_jointly(service, requests, Plain(), none)
    assert [type(answer) for answer in answers] == [Reply, Failure, Failure, Failure, Reply]
    assert answers[1] == Failure('BadRequest', 'bad')
    assert answers[2].error == 'InferenceError'
    assert answers[3] == Failure('BadRequest', 'worse')
    assert caplog.text.count('ValueError: three') == 1
    assert service.batches == [3, 1, 1, 1]


def test_an_answer_is_told_as_soon_as_it_is_there():
    service, told = Doubler(), []

    def more():
        # What fails in _preprocess waits for nobody.
        assert told == [(1, Failure('BadRequest', 'bad'))]
        return ()

    answers = answer_jointly(service, [ROWS[0], Ask(['bad']), ROWS[1], Ask([[[1.]]])], Plain(),
                             more, answered=lambda *answer: told.append(answer))
    assert [place for place, _ in told] == [1, 0, 2, 3]
    assert dict(told) == dict(enumerate(answers))


def test_other_shapes_make_groups_of_their_own():
    service = Doubler()
    answers = answer_jointly(service, [ROWS[0], Ask([[[1.]]]), ROWS[1]], Plain(), none)
    assert [json.loads(answer.body) for answer in answers] == [[[0, 2]], [[2]], [[2, 2]]]
    assert service.batches == [2, 1]


def test_a_batch_is_cut_where_its_arrays_would_be_too_large(monkeypatch):
    monkeypatch.setattr('mms.worker.batches.joint._MOST_NUMBERS', 5)
    service = Doubler()
    requests = [*ROWS[:3], Ask([[[5, 1.]] * 3]), ROWS[4]]
    answers = answer_jointly(service, requests, Plain(), none)
    assert [json.loads(answer.body)[0][0] for answer in answers] == [0, 2, 4, 10, 8]
    assert service.batches == [2, 1, 3, 1]


@pytest.mark.parametrize('archive', ['a2_vision.model', 'b2_json.model', 'g_seed.model'])
def test_archives_of_0_4_answer_together_as_alone(archive, tmp_path):
    assert any(case['archive'] == archive for case in CASES)
    service = classic(archive, tmp_path)
    requests = (recorded(archive, service.signature) * 3)[:4]
    alone = [json.dumps(service.inference(inputs_of(request))) for request in requests]
    for before, answer in zip(alone, answer_jointly(service, requests, Plain(), none)):
        compare_predictions(before.encode(), answer.body)


def test_some_obstacles_are_known_without_a_trial():
    class Own(Doubler):
        def inference(self, data):
            return data

    class Unwilling(Doubler):
        batchable = False

    assert obstacle(Doubler()) == ''
    assert obstacle(Own()) == 'it defines inference itself'
    assert obstacle(Unwilling()) == 'its class says batchable = False'
    assert obstacle(ModelService('', '', {})) == 'it is no SingleNodeService'

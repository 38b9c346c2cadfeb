"""Requests that run together, and the trial that says whether they may."""

import json

import pytest

from mms import mxnet_compat

mxnet_compat.prepare()

import mxnet as mx  # noqa: E402
from real_services import CASES, Ask, classic, inputs_of, recorded, written  # noqa: E402

from mms.errors import BadRequest  # noqa: E402
from mms.model_service.model_service import ModelService, SingleNodeService  # noqa: E402
from mms.wire import Failure, Reply  # noqa: E402
from mms.worker.compare import compare_predictions  # noqa: E402
from mms.worker.joint import answer_jointly, obstacle  # noqa: E402
from mms.worker.trial import Outcome, try_both_ways  # noqa: E402

pytestmark = pytest.mark.core

ROWS = [Ask([[[number, 1.]]]) for number in range(5)]
HEAD = '''
    import mxnet as mx
    from mms.model_service.model_service import SingleNodeService

    SEEN = {}

    class Service(SingleNodeService):
        def __init__(self, *args):
            self.ctx = mx.cpu()
            self.calls = []
            self.size = None
            self.buffer = mx.nd.zeros((1, 2))

        def _preprocess(self, data):
            return [mx.nd.array(data[0])]

        def _inference(self, data):
            return data[0] * 2

        def _postprocess(self, data):
            return data.asnumpy().tolist()

'''


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
    answers = answer_jointly(service, ROWS[:2], inputs_of, lambda: later.pop(0))
    assert [json.loads(answer.prediction) for answer in answers] == [[[0, 2]], [[2, 2]], [[4, 2]]]
    assert service.batches == [3]
    assert [list(answer.stage_times_ms) for answer in answers] == [
        ['preprocess', 'inference', 'postprocess']] * 3
    assert len({answer.stage_times_ms['inference'] for answer in answers}) == 1


def test_a_request_that_fails_fails_alone(caplog):
    service = Doubler()
    requests = [ROWS[0], Ask(['bad']), ROWS[3], Ask(BadRequest('worse')), ROWS[1]]
    answers = answer_jointly(service, requests, inputs_of, none)
    assert [type(answer) for answer in answers] == [Reply, Failure, Failure, Failure, Reply]
    assert answers[1] == Failure('BadRequest', 'bad')
    assert answers[2].error == 'InferenceError'
    assert answers[3] == Failure('BadRequest', 'worse')
    assert caplog.text.count('ValueError: three') == 1
    assert service.batches == [3, 1, 1, 1]


def test_other_shapes_make_groups_of_their_own():
    service = Doubler()
    answers = answer_jointly(service, [ROWS[0], Ask([[[1.]]]), ROWS[1]], inputs_of, none)
    assert [json.loads(answer.prediction) for answer in answers] == [[[0, 2]], [[2]], [[2, 2]]]
    assert service.batches == [2, 1]


def test_a_batch_is_cut_where_its_arrays_would_be_too_large(monkeypatch):
    monkeypatch.setattr('mms.worker.joint._MOST_NUMBERS', 5)
    service = Doubler()
    requests = [*ROWS[:3], Ask([[[5, 1.]] * 3]), ROWS[4]]
    answers = answer_jointly(service, requests, inputs_of, none)
    assert [json.loads(answer.prediction)[0][0] for answer in answers] == [0, 2, 4, 10, 8]
    assert service.batches == [2, 1, 3, 1]


@pytest.mark.parametrize(('archive', 'outcome', 'reason'), [
    ('a2_vision.model', Outcome.EQUAL, ''), ('b2_json.model', Outcome.EQUAL, ''),
    ('g_seed.model', Outcome.EQUAL, ''),
    ('c_gluon.model', Outcome.REFUSED,
     'its _inference reads numbers of all requests at once: shape (1,) for'),
    ('e_boxes.model', Outcome.REFUSED, 'its _preprocess writes self.size'),
])
def test_archives_of_0_4(archive, outcome, reason, tmp_path):
    assert any(case['archive'] == archive for case in CASES)
    service = classic(archive, tmp_path)
    requests = (recorded(archive, service.signature) * 3)[:4]
    alone = [json.dumps(service.inference(inputs_of(request))) for request in requests]
    cls = type(service)
    answers, verdict = try_both_ways(service, requests, inputs_of)
    assert type(service) is cls
    assert verdict.outcome is outcome
    assert verdict.reason.startswith(reason)
    for before, answer in zip(alone, answers):
        compare_predictions(before.encode(), answer.prediction)
    if outcome is Outcome.EQUAL:
        for before, answer in zip(alone, answer_jointly(service, requests, inputs_of, none)):
            compare_predictions(before.encode(), answer.prediction)


def hooks(pre='', inf='', post=''):
    parts = [f'        def _{name}(self, data):\n            {body}\n' for name, body in (
        ('preprocess', pre), ('inference', inf), ('postprocess', post)) if body]
    return HEAD + '\n'.join(parts)


PRE = 'return [mx.nd.array(data[0])]'


@pytest.mark.parametrize(('name', 'text', 'reason'), [
    ('attribute', hooks(pre=f'self.size = 1; {PRE}'), 'its _preprocess writes self.size'),
    ('removed', hooks(pre=f'self.x = 1; del self.x; {PRE}'), 'its _preprocess writes self.x'),
    ('listed', hooks(inf='self.calls.append(1); return data[0]'),
     'its _inference writes self.calls'),
    ('globally', hooks(pre=f'SEEN["size"] = 3; {PRE}'), 'its _preprocess writes the global SEEN'),
    ('classwide', hooks(post='type(self).last = 1; return 1'),
     'its _postprocess writes Service.last'),
    ('buffered', hooks(pre='self.buffer[:] = mx.nd.array(data[0]); return [self.buffer]'),
     'its _preprocess writes self.buffer'),
    ('summed', hooks(inf='return data[0].sum()'),
     'its output does not follow the batch axis: shape (1,) for 5 rows'),
    ('centred', hooks(inf='return data[0] - data[0].mean(axis=0)'),
     'its numbers differ by 2 when run together'),
    ('texts', hooks(pre='return "text"', inf='return mx.nd.ones((1, 2))'),
     'its _preprocess returns str'),
    ('single', hooks(inf='assert data[0].shape[0] == 1; return data[0]'),
     'it fails when run together: AssertionError'),
])
def test_a_service_that_is_not_batchable_is_found_out(name, text, reason, tmp_path):
    service = written(text, tmp_path, f'service_{name}_of_a_trial')
    answers, verdict = try_both_ways(service, ROWS, inputs_of)
    assert verdict[:2] == (Outcome.REFUSED, reason)
    assert all(isinstance(answer, Reply) for answer in answers)


@pytest.mark.parametrize('inference', ['data[0] - data[0].mean(axis=0)',
                                       'data[0] - data[0].mean()'])
def test_rows_that_mix_are_seen_in_equal_requests_too(inference, tmp_path):
    service = written(hooks(inf=f'return {inference}'), tmp_path, 'service_of_equal_requests')
    _, verdict = try_both_ways(service, ROWS[1:2] * 3, inputs_of)
    assert verdict.reason.startswith('its numbers differ by')


def test_a_good_service_is_batchable_and_other_shapes_are_no_proof(tmp_path):
    service = written(hooks(), tmp_path, 'good_service_of_a_trial')
    answers, verdict = try_both_ways(service, ROWS, inputs_of)
    assert verdict[:2] == (Outcome.EQUAL, '')
    assert json.loads(answers[4].prediction) == [[8, 2]]
    _, verdict = try_both_ways(service, [ROWS[0], Ask([[[1.]]])], inputs_of)
    assert verdict[:2] == (Outcome.INCONCLUSIVE, 'no two requests had the same shapes')
    _, verdict = try_both_ways(service, [ROWS[0], Ask(BadRequest('no'))], inputs_of)
    assert verdict.outcome is Outcome.INCONCLUSIVE


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
    answers, verdict = try_both_ways(Own(), ROWS[:1], inputs_of)
    assert (answers[0].prediction, verdict.reason) == (b'[[[0,1.0]]]', obstacle(Own()))

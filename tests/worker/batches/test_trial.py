"""Trials of real requests: each hook runs once, ``_inference`` once more to compare."""

import json

import pytest
from hook_sources import NOT_BATCHABLE, OF_0_4, hooks
from real_services import CASES, Ask, Plain, classic, inputs_of, recorded, written

from mms.errors import BadRequest
from mms.ipc.request import Reply
from mms.worker.batches.compare import compare_predictions
from mms.worker.batches.trial import answer_and_compare
from mms.worker.batches.verdict import Outcome, Verdict

pytestmark = pytest.mark.core

ROWS = [Ask([[[number, 1.]]]) for number in range(5)]


class Outbox:
    """Takes answers, and notes how many there were each time that they were sent."""

    def __init__(self):
        self.answers = {}
        self.sent = []

    def put(self, place, answer):
        self.answers[place] = answer

    def flush(self):
        self.sent.append(len(self.answers))


def tried(service, requests):
    outbox = Outbox()
    verdict = answer_and_compare(service, requests, Plain(), outbox)
    assert outbox.sent == list(range(1, len(requests) + 1))
    return [outbox.answers[place] for place in range(len(requests))], verdict


@pytest.mark.parametrize(('archive', 'outcome', 'reason'), OF_0_4)
def test_archives_of_0_4(archive, outcome, reason, tmp_path):
    assert any(case['archive'] == archive for case in CASES)
    service = classic(archive, tmp_path)
    requests = (recorded(archive, service.signature) * 3)[:4]
    alone = [json.dumps(service.inference(inputs_of(request))) for request in requests]
    answers, verdict = tried(service, requests)
    assert verdict.outcome is outcome
    assert verdict.reason.startswith(reason)
    for before, answer in zip(alone, answers):
        compare_predictions(before.encode(), answer.body)


@pytest.mark.parametrize(('name', 'text', 'reason'), [
    # What leaves everything as it was is for the proof to see.
    case for case in NOT_BATCHABLE if case[0] != 'removed'])
def test_a_service_that_is_not_batchable_is_found_out(name, text, reason, tmp_path):
    service = written(text, tmp_path, f'service_{name}_of_a_trial')
    answers, verdict = tried(service, ROWS)
    assert verdict == Verdict(Outcome.REFUSED, reason)
    assert all(isinstance(answer, Reply) for answer in answers)


@pytest.mark.parametrize('inference', ['data[0] - data[0].mean(axis=0)',
                                       'data[0] - data[0].mean()'])
def test_rows_that_mix_are_seen_in_equal_requests_too(inference, tmp_path):
    service = written(hooks(inf=f'return {inference}'), tmp_path, 'service_of_equal_requests')
    _, verdict = tried(service, ROWS[1:2] * 3)
    assert verdict.reason.startswith('its numbers differ by')


def test_a_factor_that_all_requests_share_is_seen_in_equal_requests_too(tmp_path):
    service = written(hooks(inf='return data[0] / data[0].max()'), tmp_path,
                      'service_of_a_factor')
    _, verdict = tried(service, ROWS[1:2] * 3)
    assert verdict.outcome is Outcome.REFUSED


def test_a_large_buffer_that_is_filled_again_and_again_is_seen(tmp_path):
    # Too large for the watch to look into.
    text = hooks(pre='self.buffer[:] = data[0][0][0]; return [self.buffer]',
                 inf='return data[0][:, :2]').replace('mx.nd.zeros((1, 2))',
                                                      'mx.nd.zeros((1, 400000))')
    _, verdict = tried(written(text, tmp_path, 'service_of_a_large_buffer'), ROWS)
    assert verdict == Verdict(Outcome.REFUSED,
                              'its _preprocess returns the same array for every request')


def test_a_hook_may_pickle_its_service(tmp_path):
    text = hooks(pre='import pickle; pickle.dumps(type(self)); return [mx.nd.array(data[0])]')
    answers, verdict = tried(written(text, tmp_path, 'service_that_is_pickled'), ROWS)
    assert verdict.outcome is Outcome.EQUAL
    assert all(isinstance(answer, Reply) for answer in answers)


def test_a_good_service_is_batchable_and_other_shapes_are_no_proof(tmp_path):
    service = written(hooks(), tmp_path, 'good_service_of_a_trial')
    answers, verdict = tried(service, ROWS)
    assert verdict == Verdict(Outcome.EQUAL)
    assert json.loads(answers[4].body) == [[8, 2]]
    _, verdict = tried(service, [ROWS[0], Ask([[[1.]]])])
    assert verdict == Verdict(Outcome.INCONCLUSIVE, 'no two requests had the same shapes')
    _, verdict = tried(service, [ROWS[0], Ask(BadRequest('no'))])
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_preprocess_and_postprocess_run_once_for_each_request(tmp_path):
    runs = tmp_path / 'runs'
    noted = f'open({str(runs)!r}, "a").write("{{}} ");'
    service = written(hooks(pre=noted.format('pre') + 'return [mx.nd.array(data[0])]',
                            inf=noted.format('inf') + 'return data[0] * 2',
                            post=noted.format('post') + 'return data.asnumpy().tolist()'),
                      tmp_path, 'service_that_is_counted')
    _, verdict = tried(service, ROWS)
    assert verdict.outcome is Outcome.EQUAL
    assert runs.read_text().split() == ['pre', 'inf', 'post'] * 5 + ['inf']


def test_what_inference_does_to_its_input_changes_no_comparison(tmp_path):
    service = written(hooks(inf='data[0] += 1; return data[0] * 2'), tmp_path,
                      'service_that_changes_its_input')
    answers, verdict = tried(service, ROWS)
    assert verdict.outcome is Outcome.EQUAL
    assert json.loads(answers[4].body) == [[10, 4]]

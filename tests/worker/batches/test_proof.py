"""What made-up requests show of a service before it gets real ones."""

import pytest
from hook_sources import NOT_BATCHABLE, OF_0_4, PRE, hooks
from real_services import CASES, classic, inputs_of, recorded, written

from mms.worker.batches.proof import prove
from mms.worker.batches.verdict import Outcome, Verdict

pytestmark = pytest.mark.core

ROWS = [[[[number, 1.]]] for number in range(5)]

# What one hook leaves for the next where no watch sees it: in a file, in a closure, in the
# attributes of a module, in an object of another library.
IN_A_FILE = hooks(pre='import os; open(os.path.join(os.path.dirname(__file__), "last"), "w")'
                      f'.write(str(data[0][0][0])); {PRE}',
                  post='import os; return float(open(os.path.join(os.path.dirname(__file__), '
                       '"last")).read())')
IN_A_CLOSURE = hooks() + '''
    def closed():
        last = [0]
        def keep(value):
            last[0] = value
        return keep, lambda: last[0]

    KEEP, LAST = closed()

    class Closed(Service):
        def _preprocess(self, data):
            KEEP(data[0][0][0])
            return [mx.nd.array(data[0])]

        def _postprocess(self, data):
            return LAST()
'''
IN_A_MODULE = hooks(pre=f'import json; json.last = data[0][0][0]; {PRE}',
                    post='import json; return json.last')
IN_THE_ENVIRONMENT = hooks(pre=f'import os; os.environ["LAST"] = str(data[0][0][0]); {PRE}',
                           post='import os; return float(os.environ["LAST"])')


@pytest.mark.parametrize(('archive', 'outcome', 'reason'), OF_0_4)
def test_archives_of_0_4(archive, outcome, reason, tmp_path):
    assert any(case['archive'] == archive for case in CASES)
    service = classic(archive, tmp_path)
    cls = type(service)
    requests = [inputs_of(ask) for ask in recorded(archive, service.signature)]
    if len(requests) < 2 or outcome is Outcome.EQUAL:
        from mms.worker.warm_up.variants import variants
        requests += variants(service.signature, requests[0])
    verdict = prove(service, requests)
    assert type(service) is cls
    assert verdict.outcome is outcome
    assert verdict.reason.startswith(reason)


@pytest.mark.parametrize(('name', 'text', 'reason'), NOT_BATCHABLE)
def test_a_service_that_is_not_batchable_is_found_out(name, text, reason, tmp_path):
    service = written(text, tmp_path, f'service_{name}_of_a_proof')
    assert prove(service, ROWS) == Verdict(Outcome.REFUSED, reason)


@pytest.mark.parametrize(('name', 'text'), [
    ('file', IN_A_FILE), ('closure', IN_A_CLOSURE), ('module', IN_A_MODULE),
    ('environment', IN_THE_ENVIRONMENT),
])
def test_what_a_hook_leaves_for_the_next_is_found_out_wherever_it_is(name, text, tmp_path):
    service = written(text, tmp_path, f'service_keeping_in_a_{name}')
    verdict = prove(service, ROWS)
    assert verdict.outcome is Outcome.REFUSED
    assert 'predictions differ' in verdict.reason or 'numbers differ' in verdict.reason


# Made-up tensors hold large and negative numbers, too.
IN_A_CLOSURE_IF_LARGE = IN_A_CLOSURE.replace(
    'KEEP(data[0][0][0])', 'KEEP(max(data[0][0]) if max(data[0][0]) > 1 else 1)')
LARGEST = hooks(inf='return data[0] / mx.nd.abs(data[0]).max()')
FIRST_SIX = hooks(inf='import numpy; out = mx.nd.zeros(data[0].shape); '
                      'out[:6] = data[0][:6] * 2; return out')


@pytest.mark.parametrize(('name', 'text'), [
    ('large', IN_A_CLOSURE_IF_LARGE), ('largest', LARGEST), ('six', FIRST_SIX)])
def test_what_shows_in_some_numbers_or_in_many_requests_is_found_out(name, text, tmp_path):
    from mms.worker.warm_up.made_up_requests import MadeUpRequests

    service = written(text, tmp_path, f'service_showing_in_{name}')
    made_up = MadeUpRequests(service, {'input_type': 'application/json', 'inputs': [
        {'data_name': 'data', 'data_shape': [0, 2]}]})
    assert prove(service, made_up.beside(0), most=16).outcome is Outcome.REFUSED


def test_a_good_service_is_batchable(tmp_path):
    service = written(hooks(), tmp_path, 'good_service_of_a_proof')
    assert prove(service, ROWS) == Verdict(Outcome.EQUAL)


@pytest.mark.parametrize(('requests', 'reason'), [
    (ROWS[:1], 'it answers no two made-up requests'),
    ([ROWS[0], ['no numbers']], 'it answers no two made-up requests'),
    ([ROWS[0], [[[1.]]]], 'no two made-up requests differ and have the same shapes'),
    (ROWS[:1] * 3, 'no two made-up requests differ and have the same shapes'),
])
def test_too_few_or_equal_requests_prove_nothing(requests, reason, tmp_path):
    service = written(hooks(), tmp_path, 'good_service_without_a_proof')
    assert prove(service, requests) == Verdict(Outcome.INCONCLUSIVE, reason)


def test_a_request_that_is_refused_says_nothing_of_the_others(tmp_path, caplog):
    service = written(hooks(), tmp_path, 'good_service_that_refuses_one')
    assert prove(service, [ROWS[0], ['no numbers'], ROWS[1]]).outcome is Outcome.EQUAL
    assert caplog.text == ''


def test_what_a_hook_does_to_its_input_is_done_to_a_copy(tmp_path):
    service = written(hooks(pre=f'data[0][0][0] += 1; {PRE}'), tmp_path, 'service_that_adds')
    requests = [[[[0., 1.]]], [[[5., 1.]]]]
    assert prove(service, requests).outcome is Outcome.EQUAL
    assert requests == [[[[0., 1.]]], [[[5., 1.]]]]

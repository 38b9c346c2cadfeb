"""Runs of a model, as the times of their requests tell of them."""

from mms.metrics.model_tally import Exchange, ModelTally


def times(inference, preprocess=1.0, postprocess=2.0):
    return {'preprocess': preprocess, 'inference': inference, 'postprocess': postprocess}


def runs(tally):
    return {size: (run.count, run.stages_ms) for size, run in tally.executions.items()}


def test_requests_that_ran_together_are_one_run():
    tally = ModelTally()
    tally.executed([times(5.0), times(5.0), times(7.0)])
    tally.executed([times(6.0), times(6.0)])
    assert runs(tally) == {
        2: (2, {'preprocess': 4.0, 'inference': 11.0, 'postprocess': 8.0}),
        1: (1, {'preprocess': 1.0, 'inference': 7.0, 'postprocess': 2.0})}
    assert runs(tally.copy()) == runs(tally)


def test_a_service_that_tells_no_times_runs_its_requests_one_by_one():
    tally = ModelTally()
    tally.executed([{}, {}])
    assert runs(tally) == {1: (2, {'preprocess': 0.0, 'inference': 0.0, 'postprocess': 0.0})}


def test_what_is_no_time_is_left_out():
    tally = ModelTally()
    tally.executed([times(float('nan')), times(-1.0)])
    assert tally.executions[1].stages_ms['inference'] == 0.0


def test_failures_have_their_own_time():
    tally = ModelTally()
    tally.add(Exchange('classic', 200, 2.0))
    tally.add(Exchange('classic', 400, 0.5))
    tally.add(Exchange('inference_v2', 503, 0.25))
    assert (tally.failures, tally.failed_s, tally.duration_s.total) == (2, 0.75, 2.75)

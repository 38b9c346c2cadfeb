"""What is counted of each model, and of which models."""

import threading

import pytest

from mms.metrics.model_tally import REFUSALS, Exchange
from mms.metrics.observer import Restart
from mms.metrics.server_metrics import NO_MODEL, ServerMetrics

STAGES = {'preprocess': 1.0, 'inference': 20.0, 'postprocess': 3.0}


def answered(code=200, duration_s=0.03, **options):
    return Exchange('classic', code, duration_s, **options)


@pytest.fixture
def metrics():
    made = ServerMetrics()
    made.add_model('m')
    return made


def test_a_request_is_counted_by_protocol_and_code_with_its_time(metrics):
    metrics.answered('m', answered())
    metrics.answered('m', answered())
    metrics.answered('m', answered(503, 0.001))
    tally = metrics.tallies()['m']
    assert tally.requests == {('classic', 200): 2, ('classic', 503): 1}
    assert (tally.duration_s.count, tally.duration_s.total) == (3, pytest.approx(0.061))


def test_each_phase_that_a_request_had_is_counted_in_seconds(metrics):
    metrics.answered('m', answered(queue_s=0.5, stage_times_ms=STAGES))
    metrics.answered('m', answered(queue_s=0.25, stage_times_ms={}))
    metrics.answered('m', answered(413))
    phases = metrics.tallies()['m'].phase_s
    assert {phase: (times.count, times.total) for phase, times in phases.items()} == {
        'queue': (2, 0.75), 'preprocess': (1, pytest.approx(0.001)),
        'inference': (1, pytest.approx(0.02)), 'postprocess': (1, pytest.approx(0.003))}


def test_a_stage_that_a_service_made_up_is_no_label(metrics):
    metrics.answered('m', answered(stage_times_ms={'own': 1.0}))
    assert set(metrics.tallies()['m'].phase_s) == {'queue', *STAGES}


@pytest.mark.parametrize('took_ms', [float('nan'), float('inf'), -1.0])
def test_what_is_no_time_spoils_no_sum(took_ms, metrics):
    metrics.answered('m', answered(stage_times_ms={'inference': took_ms}))
    metrics.answered('m', answered(stage_times_ms={'inference': 20.0}))
    times = metrics.tallies()['m'].phase_s['inference']
    assert (times.count, times.total) == (1, pytest.approx(0.02))


def test_refusals_batches_and_restarts_are_counted(metrics):
    for reason in REFUSALS:
        metrics.refused('m', reason)
    metrics.batch('m', 3)
    metrics.batch('m', 5)
    for reason in Restart:
        metrics.restarted('m', reason)
    tally = metrics.tallies()['m']
    assert set(tally.refusals.values()) == {1}
    assert (tally.batch_sizes.count, tally.batch_sizes.total) == (2, 8.0)
    assert tally.restarts == {reason.value: 1 for reason in Restart}


def test_what_is_for_no_model_that_is_known_is_nobody_s(metrics):
    metrics.answered('made up', answered(404))
    metrics.refused('made up', 'unavailable')
    metrics.answered(NO_MODEL, Exchange('', 404, 0.1))
    tallies = metrics.tallies()
    assert set(tallies) == {NO_MODEL, 'm'}
    assert sum(tallies[NO_MODEL].requests.values()) == 2


def test_a_model_that_comes_again_goes_on_where_it_was(metrics):
    metrics.answered('m', answered())
    metrics.remove_model('m')
    # One that was asked while it went.
    metrics.answered('m', answered())
    assert metrics.tallies()['m'].requests == {('classic', 200): 2}
    metrics.add_model('m')
    metrics.answered('m', answered())
    assert metrics.tallies()['m'].requests == {('classic', 200): 3}


def test_a_worker_that_ends_while_its_model_loads_is_counted_for_it(metrics):
    metrics.restarted('new', Restart.DIED)
    metrics.add_model('new')
    assert metrics.summary('new').restarts == {'died': 1}


def test_of_models_that_are_gone_the_latest_are_kept(metrics):
    for number in range(1000):
        metrics.add_model(f'm{number}')
        metrics.answered(f'm{number}', answered())
        metrics.remove_model(f'm{number}')
    tallies = metrics.tallies()
    assert len(tallies) == 2 + 200
    assert {'m', 'm999', 'm800'} <= set(tallies)
    assert 'm799' not in tallies


def test_a_model_that_is_served_is_kept_whatever_goes(metrics):
    for number in range(300):
        metrics.add_model(f'm{number}')
    assert len(metrics.tallies()) == 302


def test_what_was_handed_out_stays_as_it_was(metrics):
    before = metrics.tallies()['m']
    metrics.answered('m', answered(queue_s=0.1))
    metrics.restarted('m', Restart.ILL)
    assert (before.requests, before.phase_s['queue'].count, before.restarts['ill']) == ({}, 0, 0)


def test_others_have_their_turn_and_may_count_between_the_models(metrics):
    for number in range(300):
        metrics.add_model(f'm{number}')
    turns = iter(range(1000))
    metrics.tallies(lambda: (next(turns), metrics.answered('m', answered())))
    assert next(turns) == 302
    assert metrics.tallies()['m'].requests == {('classic', 200): 302}


def test_threads_count_beside_each_other(metrics):
    def count():
        for _ in range(2000):
            metrics.answered('m', answered(queue_s=0.1, stage_times_ms=STAGES))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally = metrics.tallies()['m']
    assert tally.requests == {('classic', 200): 16_000}
    assert tally.duration_s.count == tally.phase_s['inference'].count == 16_000


def test_a_summary_tells_a_person(metrics):
    for number in range(100):
        metrics.answered('m', answered(500 if number < 3 else 200, 0.02 if number < 96 else 2.0))
    metrics.answered('m', answered(404))
    metrics.batch('m', 1)
    metrics.batch('m', 6)
    metrics.restarted('m', Restart.TIMEOUT)
    summary = metrics.summary('m')
    assert (summary.requests, summary.failures) == (101, 3)
    assert 0.01 < summary.latency_s['p50'] <= 0.025 < 1.0 < summary.latency_s['p99'] <= 2.5
    assert (summary.batches, summary.mean_batch_size, summary.largest_batch_size) == (2, 3.5, 8)
    assert summary.restarts == {'timeout': 1}


def test_a_summary_of_a_model_that_never_was_is_nothing(metrics):
    summary = metrics.summary('other')
    assert (summary.requests, summary.largest_batch_size, summary.latency_s['p99']) == (0, 0, 0.0)
    assert 'other' not in metrics.tallies()

"""What one process counts, another one adds to its own."""

import marshal

from mms.metrics import Metrics, increments
from mms.metrics.model_tally import Exchange
from mms.metrics.refusals import BAD_HEAD, Refusals
from mms.metrics.server_metrics import NO_MODEL, ServerMetrics


class Nowhere:
    def write(self, report):
        raise AssertionError(report)


def made():
    server, metrics = ServerMetrics(), Metrics(['m'], Nowhere())
    server.add_model('m')
    return server, metrics


def count_something(server, metrics):
    server.answered('m', Exchange('classic', 200, 0.02, 0.001, {'inference': 3.0}))
    server.answered('m', Exchange('classic', 503, 0.2))
    server.answered(NO_MODEL, Exchange('', 404, 0.001))
    server.refused('m', 'queue_full')
    server.blocked(0.3)
    server.refusals.count(BAD_HEAD, 'nonsense')
    metrics.count('PredictionTotal', 'm')
    metrics.observe('LatencyInference', 3.0, 'm')
    metrics.observe('LatencyInference', 5.0, 'm')


def seen(server, metrics):
    tallies = server.tallies()
    return ({name: (tally.requests, tally.duration_s.counts, tally.duration_s.total,
                    {phase: times.counts for phase, times in tally.phase_s.items()},
                    tally.refusals, tally.failed_s, tally.latest_s > 0)
             for name, tally in tallies.items()},
            server.blocked_s.counts, server.refusals.counts(), sorted(metrics.take()))


def test_what_is_added_is_as_if_it_had_been_counted_here():
    counted, summed = made(), made()
    count_something(*counted)
    count_something(*counted)
    elsewhere = made()
    count_something(*summed)
    count_something(*elsewhere)
    increments.add(*summed, marshal.loads(marshal.dumps(increments.take(*elsewhere))))
    assert seen(*summed) == seen(*counted)


def test_it_is_taken_once():
    here = made()
    count_something(*here)
    assert increments.take(*here)
    assert increments.take(*here) == {}


def test_of_a_model_that_has_gone_meanwhile_it_is_counted_for_none():
    elsewhere, here = made(), (ServerMetrics(), Metrics([], Nowhere()))
    count_something(*elsewhere)
    increments.add(*here, increments.take(*elsewhere))
    tallies = here[0].tallies()
    assert tallies[NO_MODEL].requests == {('classic', 200): 1, ('classic', 503): 1, ('', 404): 1}
    assert here[1].take() == []


def test_refusals_are_told_by_who_has_seen_them_alone(caplog):
    refusals = Refusals()
    refusals.add({BAD_HEAD: 3})
    assert refusals.counts()[BAD_HEAD] == 3
    assert caplog.text == ''

import math

import pytest

from mms.metrics.names import METRICS
from mms.metrics.report import Tally, fresh_tallies, points_of

# Name -> unit, and whether each model has it: what readers of MMS 0.4 know. More may stand beside.
CONTRACT = {
    'PredictionTotal': ('Count', True), 'Prediction4XX': ('Count', True),
    'Prediction5XX': ('Count', True),
    'LatencyOverall': ('Milliseconds', True), 'LatencyPreprocess': ('Milliseconds', True),
    'LatencyInference': ('Milliseconds', True), 'LatencyPostprocess': ('Milliseconds', True),
    'PingTotal': ('Count', False), 'APIDescriptionTotal': ('Count', False),
    'CPUUtilization': ('Percent', False), 'MemoryUtilization': ('Percent', False),
    'MemoryUsed': ('Megabytes', False), 'MemoryAvailable': ('Megabytes', False),
    'DiskUtilization': ('Percent', False), 'DiskUsed': ('Gigabytes', False),
    'DiskAvailable': ('Gigabytes', False),
}


def test_the_names_and_units_are_those_of_the_contract():
    assert {m.name: (m.unit, m.per_model) for m in METRICS if m.name in CONTRACT} == CONTRACT
    assert len({m.name for m in METRICS}) == len(METRICS)


def test_counts_are_summed_and_everything_else_is_averaged():
    tallies = fresh_tallies(['a'])
    for value in (1, 3):
        for tally in tallies.values():
            tally.add(value)
    values = {point.name: point.value for point in points_of(tallies)}
    for metric in METRICS:
        is_sum = CONTRACT[metric.name][0] == 'Count' if metric.name in CONTRACT else metric.is_sum
        assert values[metric.name] == (4 if is_sum else 2), metric.name


def test_a_metric_without_data_has_no_point():
    tallies = fresh_tallies(['a', 'b'])
    assert points_of(tallies) == []
    tallies['PredictionTotal', 'b'].add(1)
    (point,) = points_of(tallies)
    assert (point.name, point.model, point.value) == ('PredictionTotal', 'b', 1.0)


def test_a_zero_that_was_recorded_is_data():
    tallies = fresh_tallies([])
    tallies['CPUUtilization', None].add(0)
    assert [point.value for point in points_of(tallies)] == [0.0]


def test_models_are_told_apart_and_the_host_has_none():
    tallies = fresh_tallies(['a', 'b'])
    tallies['LatencyInference', 'a'].add(10)
    tallies['LatencyInference', 'b'].add(30)
    tallies['PingTotal', None].add(1)
    assert [(p.name, p.model, p.value) for p in points_of(tallies)] == [
        ('LatencyInference', 'a', 10), ('LatencyInference', 'b', 30), ('PingTotal', None, 1)]


def test_a_point_carries_the_intervals_extremes():
    tallies = fresh_tallies([])
    for value in (5, 1, 3):
        tallies['MemoryUsed', None].add(value)
    (point,) = points_of(tallies)
    assert (point.samples, point.total, point.minimum, point.maximum) == (3, 9, 1, 5)


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf, 'much', None])
def test_a_value_that_is_no_finite_number_is_refused_and_leaves_the_tally_alone(value):
    tally = Tally()
    with pytest.raises((ValueError, TypeError)):
        tally.add(value)
    assert tally.samples == 0

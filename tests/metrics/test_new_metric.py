"""A new metric is an entry in the table, and a call where it happens."""

import pytest

from mms.metrics import Metrics, report
from mms.metrics.names import METRICS, Definition


class Lines:
    def __init__(self):
        self.values = {}

    def write(self, report):
        self.values.update({(point.name, point.model): (point.value, point.unit)
                            for point in report.points})


@pytest.fixture
def metrics(monkeypatch):
    more = (Definition('QueueLength', 'Count', per_model=True, is_sum=False),)
    monkeypatch.setattr(report, 'METRICS', (*METRICS, *more))
    return Metrics(['a'], Lines())


def test_a_metric_of_the_table_is_reported_like_any_other(metrics):
    for length in (2, 4):
        metrics.observe('QueueLength', length, model='a')
    metrics.flush()
    assert metrics._sink.values == {('QueueLength', 'a'): (3.0, 'Count')}


def test_a_model_that_comes_later_has_it_too_and_one_that_goes_takes_it_along(metrics):
    metrics.add_model('b')
    metrics.observe('QueueLength', 7, model='b')
    metrics.remove_model('b')
    metrics.flush()
    assert metrics._sink.values == {('QueueLength', 'b'): (7.0, 'Count')}
    metrics._sink.values.clear()
    metrics.flush()
    metrics.add_model('b')
    metrics.observe('QueueLength', 1, model='b')
    metrics.flush()
    assert metrics._sink.values == {('QueueLength', 'b'): (1.0, 'Count')}


def test_a_model_that_comes_again_before_the_report_stays(metrics, caplog):
    metrics.remove_model('a')
    metrics.add_model('a')
    metrics.flush()
    metrics.count('PredictionTotal', model='a')
    metrics.flush()
    assert metrics._sink.values == {('PredictionTotal', 'a'): (1.0, 'Count')}
    assert caplog.text == ''

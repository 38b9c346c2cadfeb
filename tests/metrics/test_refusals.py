"""All are counted; of many, few are logged."""

import logging

import pytest

from mms.metrics import refusals
from mms.metrics.refusals import BAD_HEAD, RATE, REASONS, Refusals


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(refusals.time, 'monotonic', lambda: now[0])
    return now


def test_of_a_thousand_at_once_ten_are_logged_and_the_next_tells_of_the_others(clock, caplog):
    caplog.set_level(logging.INFO)
    counted = Refusals()
    for number in range(1000):
        counted.count(BAD_HEAD, f'no {number}')
    assert [record.getMessage() for record in caplog.records] == [f'no {n}' for n in range(10)]
    counted.count(RATE, 'another')
    clock[0] += 1.5
    counted.count(BAD_HEAD, 'later')
    assert [record.getMessage() for record in caplog.records[10:]] == [
        'another', 'later (990 more like this are not logged)']
    assert counted.counts() == {**dict.fromkeys(REASONS, 0), BAD_HEAD: 1001, RATE: 1}

"""The tables of benchmarks/, from rows that were measured elsewhere."""


import pytest
from contenders.contender import Setting, batch_settings
from parts.choosing import best
from parts.closed import merged
from parts.closed_table import Row, section
from probe import percentile
from wrk import Load


def row(contender, requests_per_s, connections=8, **options):
    load = Load(requests_per_s, 1.0, 12.34, 0, 0.01)
    return Row('alexnet', connections, contender, Setting(2, 4), load, 100.4, **options)


def test_each_row_has_its_share_of_the_limit_of_as_many_connections():
    text = section([row('in process, no HTTP', 100.0), row('a', 90.0, ping_p99_ms=1.5),
                    row('a', 50.0, connections=32)]).table
    assert ('| 8 | a | 2 x batch 4 | 90.0 | 90% |  | 1.00 | 12.3 |  | 100 | 0 | 1.50 | 1.0% |'
            in text)
    assert '| 32 | a | 2 x batch 4 | 50.0 |  |' in text


def test_a_contender_without_figures_has_its_reason_in_the_table():
    text = section([Row('alexnet', 1, 'a', reason='it does not start | today')]).table
    assert '| 1 | a |  | it does not start / today |' in text


def test_the_best_row_has_most_requests_and_one_without_figures_is_none():
    rows = [row('a', 50.0), Row('alexnet', 8, 'a', reason='x'), row('a', 60.0)]
    assert best(rows).requests_per_s == 60.0
    assert best([]) is None


def test_turns_are_one_row_of_medians_and_one_that_failed_stands_for_all():
    turns = [row('a', 50.0, cpu_s_per_1000=3.0), row('a', 10.0, cpu_s_per_1000=9.0),
             row('a', 60.0, cpu_s_per_1000=2.0)]
    assert merged(turns) == row('a', 50.0, cpu_s_per_1000=3.0)
    broken = Row('alexnet', 8, 'a', reason='it died')
    assert merged([*turns, broken]) is broken


def test_a_setting_suits_connections_that_fill_its_batches():
    assert Setting(2, 4).suits(8)
    assert not Setting(2, 4).suits(7)
    assert any(setting.suits(1) for setting in batch_settings())


@pytest.mark.parametrize(('percent', 'value'), [(0, 1), (50, 51), (99, 100), (100, 100)])
def test_a_percentile_is_a_value_that_was_seen(percent, value):
    assert percentile([float(n) for n in range(100, 0, -1)], percent) == value

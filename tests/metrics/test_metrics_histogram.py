"""Values by their size."""

import random

import pytest

from mms.metrics.histogram import SECONDS, Histogram


def histogram(*values, bounds=(1.0, 2.0, 4.0)):
    made = Histogram(bounds)
    for value in values:
        made.observe(value)
    return made


def test_a_value_is_in_the_first_bucket_whose_bound_it_does_not_exceed():
    assert histogram(0.5, 1.0, 1.5, 4.0, 4.5, 100).counts == [2, 1, 1, 2]


def test_it_knows_how_many_values_there_were_and_their_sum():
    made = histogram(0.5, 1.5, 100)
    assert (made.count, made.total, made.mean) == (3, 102.0, 34.0)


def test_without_values_everything_is_nothing():
    made = histogram()
    assert (made.count, made.mean, made.quantile(0.5)) == (0, 0.0, 0.0)


@pytest.mark.parametrize(('values', 'share', 'expected'), [
    # Half of ten values in (1, 2] are a straight line's half.
    ([1.5] * 10, 0.5, 1.5), ([1.5] * 10, 1.0, 2.0), ([0.5] * 10, 0.5, 0.5),
    ([0.5] * 5 + [3.0] * 5, 0.5, 1.0), ([0.5] * 5 + [3.0] * 5, 0.75, 3.0),
    ([0.5] * 5 + [3.0] * 5, 0.99, 3.96),
    # Larger than every bound: no more is known.
    ([9.0] * 10, 0.5, 4.0),
])
def test_a_quantile_lies_on_a_line_within_its_bucket(values, share, expected):
    assert histogram(*values).quantile(share) == pytest.approx(expected)


def test_a_quantile_is_as_near_as_the_buckets_are_narrow():
    chance = random.Random(1)
    times = [chance.lognormvariate(-4, 1) for _ in range(10_000)]
    made = histogram(*times, bounds=SECONDS)
    for percent in (50, 95, 99):
        real = sorted(times)[percent * 100 - 1]
        above = next(bound for bound in SECONDS if bound >= real)
        below = max([bound for bound in SECONDS if bound < real], default=0.0)
        assert below <= made.quantile(percent / 100) <= above


def test_a_copy_stays_as_it_was():
    made = histogram(0.5)
    copied = made.copy()
    made.observe(0.5)
    assert (copied.count, copied.total, made.count) == (1, 0.5, 2)

"""Which batch sizes pay, from times that were measured."""

import pytest

from mms.worker.warm_up.batch_scaling import worthwhile


@pytest.mark.parametrize(('times_s', 'size'), [
    ({1: 1.0}, 1),
    ({1: 1.0, 2: 2.0, 4: 4.0, 8: 8.0, 16: 16.0}, 1),
    ({1: 1.0, 2: 1.0, 4: 1.0, 8: 1.0, 16: 1.0}, 16),
    ({1: 1.0, 2: 1.5, 4: 2.0, 8: 3.9, 16: 8.4}, 8),
    ({1: 1.0, 2: 1.2, 4: 2.0, 8: 5.0, 16: 12.0}, 4),
    ({1: 1.0, 2: 2.4, 4: 5.0}, 1),
    ({1: 1.0, 2: 1.94}, 1),
    ({1: 1.0, 2: 1.88}, 2),
])
def test_it_is_the_largest_size_that_is_nearly_as_fast_for_each_request_as_the_fastest(
        times_s, size):
    assert worthwhile(times_s) == size

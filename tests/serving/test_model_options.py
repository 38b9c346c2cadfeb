"""What is asked for single models."""

from mms.serving.model_options import ModelOptions


def test_what_is_not_said_stays_as_it_was():
    before = ModelOptions(workers=2, max_workers=4, batch_size=8, max_batch_delay_s=0.1)
    after = ModelOptions(batch_size=1, request_timeout_s=3.0).over(before)
    assert after == ModelOptions(2, 4, 1, 0.1, 3.0)


def test_a_number_of_workers_brings_its_own_most():
    before = ModelOptions(workers=2, max_workers=4)
    assert ModelOptions(workers=1).over(before) == ModelOptions(workers=1)
    assert ModelOptions(max_workers=8).over(before) == ModelOptions(workers=2, max_workers=8)
    assert ModelOptions(max_workers=1).over(before) == ModelOptions(workers=1, max_workers=1)


def test_where_only_the_most_are_given_the_load_decides_from_one_on():
    assert ModelOptions(max_workers=3).fewest_workers == 1
    only_one = ModelOptions(max_workers=1)
    assert (only_one.least_workers, only_one.fewest_workers) == (1, None)
    assert ModelOptions().least_workers is None


def test_no_delay_is_something_that_is_said():
    assert ModelOptions(max_batch_delay_s=0.0).over(
        ModelOptions(max_batch_delay_s=0.1)).max_batch_delay_s == 0.0

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


def test_no_delay_is_something_that_is_said():
    assert ModelOptions(max_batch_delay_s=0.0).over(
        ModelOptions(max_batch_delay_s=0.1)).max_batch_delay_s == 0.0

from mms.pool.backoff import GIVE_UP_AFTER, delay_s


def test_delays_grow_and_then_stay():
    delays = [delay_s(failures) for failures in range(1, 40)]
    assert delays == sorted(delays)
    assert delays[0] < 1
    assert delays[-1] == delays[-2] == 30


def test_a_model_is_called_unavailable_within_a_few_seconds_of_failing_starts():
    assert sum(delay_s(failures) for failures in range(1, GIVE_UP_AFTER)) < 5

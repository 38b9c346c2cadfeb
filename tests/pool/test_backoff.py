from mms.pool.backoff import deadline_s, delay_s


def test_the_delay_doubles_and_ends_at_half_a_minute():
    assert [delay_s(failures) for failures in (1, 2, 3, 4)] == [0.2, 0.4, 0.8, 1.6]
    assert delay_s(9) == delay_s(10_000) == 30.0


def test_a_replacement_may_take_ten_times_as_long_and_a_minute_at_least():
    assert deadline_s(2.5) == 60.0
    assert deadline_s(90.0) == 900.0

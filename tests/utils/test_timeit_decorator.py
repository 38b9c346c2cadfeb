import logging

import pytest

from mms.utils.timeit_decorator import timeit


def test_a_timed_function_returns_its_result_and_logs_its_name_and_seconds(caplog):
    @timeit
    def double(number, *, plus=0):
        """Twice."""
        return 2 * number + plus

    with caplog.at_level(logging.INFO):
        assert double(3, plus=1) == 7
    assert 'double took ' in caplog.text
    assert 's on the CPU' in caplog.text
    assert (double.__name__, double.__doc__) == ('double', 'Twice.')


def test_an_error_goes_through_a_timed_function(caplog):
    @timeit
    def fail():
        raise KeyError('x')

    with pytest.raises(KeyError):
        fail()
    assert not caplog.records

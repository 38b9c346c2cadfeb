"""Tests that share a fixture stay in one process, where ``make test`` runs several."""

import pytest


def test_the_tests_of_a_group_stay_together(request):
    if not request.config.getoption('loadgroup', False):
        pytest.skip('the tests run in one process')
    grouped = [item for item in request.session.items if item.get_closest_marker('xdist_group')]
    assert len(grouped) > 100
    assert [item.nodeid for item in grouped if '@' not in item.nodeid] == []

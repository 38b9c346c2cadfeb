"""Tests that share a fixture stay in one process, where ``make test`` runs several."""

import pytest


def test_the_tests_of_a_group_stay_together(request):
    grouped = [item for item in request.session.items if item.get_closest_marker('xdist_group')]
    if not grouped or not request.config.getoption('loadgroup', False):
        pytest.skip('no groups, or all tests run in one process')
    assert [item.nodeid for item in grouped if '@' not in item.nodeid] == []

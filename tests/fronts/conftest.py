"""The model that the tests of front processes ask."""

import pytest
from fronts_asked import SERVICE
from harness import write_archive


@pytest.fixture(scope='session')
def archive(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp('archives'), 'does', SERVICE)

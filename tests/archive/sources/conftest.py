"""Where downloads of tests go."""

import pytest


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / 'into'
    folder.mkdir()
    return str(folder)

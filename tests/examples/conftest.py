"""Lets the tests import the scripts of examples/efficientnet_lite0, and play pages."""

import sys
from pathlib import Path

import pytest
from extras import require

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / 'examples' / 'efficientnet_lite0'))
sys.path.insert(0, str(ROOT / 'tests' / 'docs'))


@pytest.fixture(scope='module')
def played(tmp_path_factory):
    """A function: what there is when all commands of a page have run, its server still up."""
    from page_played import PagePlayed

    pages = []

    def play(name, **options):
        require('django', 'sklearn')
        pages.append(PagePlayed(tmp_path_factory.mktemp('page'), name, **options))
        return pages[-1].play_all()

    yield play
    for page in pages:
        page.close()

"""A machine for each module of tests; and the pages, which say how the files are meant."""

import sys

import pytest
from deploy_machine import Machine
from harness import REPO

sys.path.insert(0, str(REPO / 'tests' / 'docs'))


@pytest.fixture(scope='module')
def machine(tmp_path_factory):
    return Machine(tmp_path_factory.mktemp('machine'))

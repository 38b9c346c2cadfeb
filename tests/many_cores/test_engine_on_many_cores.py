"""The tests of the engine (marked `engine`) once more, on machines of other sizes.

Forking, workers on several threads, memory, retries, recycling and batching: all that depends on
what threads a process has, and on how many cores the server sees. The largest machine, and of the
smallest, where a process has no thread more than Python's, what the server itself chooses by it;
CORES names others, for all of them: each takes most of a minute of a processor.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from fleet import needs_compiler
from harness import REPO
from seen_cores import environment

pytestmark = needs_compiler

# On as many as there are, the tests run by themselves.
SEEN = [cores for cores in map(int, os.environ.get('CORES', '1 64').split())
        if cores != len(os.sched_getaffinity(0))]
WHOLE_SERVERS = 'tests/server/test_workers.py'
# As many run side by side; each waits for its processes for a third of the time.
SIDE_BY_SIDE = 2


def run(cores):
    others = ['tests/pool', 'tests/serving'] if cores > 1 or 'CORES' in os.environ else []
    words = [sys.executable, '-m', 'pytest', '-m', 'engine', '-q', '-p', 'no:cacheprovider',
             *others, WHOLE_SERVERS]
    variables = {**os.environ, **environment(cores), 'PYTEST_ADDOPTS': ''}
    return subprocess.run(words, cwd=REPO, env=variables,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


@pytest.fixture(scope='module')
def runs():
    """All of them, under way."""
    environment(1)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {cores: pool.submit(run, cores) for cores in SEEN}


@pytest.mark.timeout(600)
@pytest.mark.parametrize('cores', SEEN)
def test_the_engine_works_on_so_many_cores(runs, cores):
    done = runs[cores].result()
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]

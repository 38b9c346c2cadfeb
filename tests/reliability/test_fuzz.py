"""The fuzzer's targets: their corpus, and a short run on top of it."""

import pytest
from effort import LONG
from fuzz import CORPUS, TARGETS, replay, run

# Of each target; a run of a second begins with its corpus.
SECONDS = 120 if LONG else 1
# Those that the short form runs: what reads bytes of a client or of a worker.
RUN = TARGETS if LONG else ['frames', 'heads']


@pytest.mark.parametrize('target', TARGETS)
def test_each_input_that_reached_something_is_taken_as_the_target_claims(target):
    assert replay(target) > 0


def test_there_is_a_corpus_of_each_target_and_it_is_small():
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert sum(path.stat().st_size for path in CORPUS.rglob('*')) < 256 * 1024


@pytest.mark.parametrize('target', RUN)
def test_a_run_finds_nothing(target):
    pytest.importorskip('atheris', reason='atheris has no wheel for this Python')
    found = run(target, SECONDS)
    assert found['failure'] == ''
    assert found['executions'] > 0
    assert found['branches'] > 0

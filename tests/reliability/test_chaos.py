"""Chaos under load for some seconds: no answer is lost, wrong, or made twice."""

import re
import subprocess
import sys

import pytest
from chaos import doubled, may_die
from chaos_models import Run
from effort import LONG
from harness import REPO

ROW = re.compile(r'^\| (.+) \| (.+) \|$', re.M)

# A template that is stopped is waited for ten seconds.
WORDS = ['--seconds', '300'] if LONG else ['--seconds', '5', '--without',
                                           'stop the template for good']


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_no_answer_is_lost_wrong_or_doubled_under_chaos():
    done = subprocess.run(
        [sys.executable, REPO / 'benchmarks' / 'chaos.py', '--pause', '0.2', '--connections', '6',
         *WORDS],
        capture_output=True, text=True, timeout=1000, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = dict(ROW.findall(done.stdout))
    assert rows['lost'] == rows['wrong'] == rows['doubled'] == '0'
    assert int(rows['answered 200']) > 20
    assert int(rows['kill a worker']) > 0


def test_a_request_that_is_run_again_without_need_is_found():
    assert doubled({'a': [Run(1, 9)], 'b': [Run(1, 9), Run(2, 9)]}, {1}) == []
    assert doubled({'b': [Run(1, 9), Run(2, 9)]}, {9}) == []
    assert len(doubled({'b': [Run(1, 9), Run(2, 9)]}, {2})) == 1
    assert len(doubled({'b': [Run(1, 9), Run(1, 9)]}, set())) == 1
    assert len(doubled({'b': [Run(1, 9), Run(2, 9), Run(3, 9)]}, {1, 2, 3})) == 1


def test_an_error_that_one_death_has_cost_is_found():
    text = '{"code": 500, "type": "WorkerDiedException"}'
    assert may_die(500, text, [Run(1, 9), Run(2, 9)], {1, 2})
    assert not may_die(500, text, [Run(1, 9)], {1, 2})
    assert not may_die(500, text, [Run(1, 9), Run(2, 9)], {1})
    assert not may_die(500, '{}', [Run(1, 9), Run(2, 9)], {1, 2})

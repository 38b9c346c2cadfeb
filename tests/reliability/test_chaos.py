"""Chaos under load for some seconds: no answer is lost, wrong, or made twice."""

import os
import re
import subprocess
import sys

import pytest
from chaos import doubled
from chaos_models import Run
from harness import REPO

ROW = re.compile(r'^\| (.+) \| (.+) \|$', re.M)

SECONDS = '300' if os.environ.get('MMS_SOAK') else '5'


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_no_answer_is_lost_wrong_or_doubled_under_chaos():
    # A template that is stopped for good is waited for ten seconds.
    done = subprocess.run(
        [sys.executable, REPO / 'benchmarks' / 'chaos.py', '--seconds', SECONDS, '--pause', '0.2',
         '--connections', '6', '--without', 'stop the template for good'],
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

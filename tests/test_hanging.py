"""A test that hangs is a failure, wherever it hangs, and others go on."""

import os
import subprocess
import sys

import pytest
from harness import REPO

LOOP = 'import gevent; gevent.sleep(100)'
# What no signal ends.
DEAF = ('import signal, time; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM}); '
        'time.sleep(100)')


@pytest.mark.parametrize(('hangs', 'told'), [
    (LOOP, ['Failed: Timeout (>1.0s) from pytest-timeout']),
    (DEAF, ['test_hangs.py", line 6 in test_it', 'crashed while running']),
], ids=['event loop', 'no signal'])
def test_a_test_that_hangs_fails_and_others_run(tmp_path, hangs, told):
    (tmp_path / 'test_hangs.py').write_text(
        f'import conftest\nconftest.HANGS_S = 1\n\n\ndef test_it():\n    {hangs}\n\n\n'
        'def test_other():\n    pass\n')
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-c', REPO / 'pyproject.toml', '--rootdir', tmp_path,
         '-p', 'conftest', '-p', 'no:cacheprovider', '-n', '2', '--max-worker-restart', '0',
         '--timeout', '1', tmp_path],
        cwd=REPO / 'tests', env={**os.environ, 'PYTHONPATH': str(REPO / 'tests')},
        capture_output=True, text=True, timeout=60)
    output = done.stdout + done.stderr
    assert [text for text in told if text not in output] == [], output
    assert '1 failed, 1 passed' in output, output

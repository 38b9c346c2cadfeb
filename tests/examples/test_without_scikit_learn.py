"""The examples that train on what scikit-learn brings, where it is not installed."""

import subprocess
import sys

import pytest
from harness import REPO


@pytest.mark.parametrize(('example', 'wanted'), [
    ('digits', "scikit-learn's digits"), ('ssd', "scikit-learn's digits"),
    ('denoise', "scikit-learn's photographs")])
def test_without_scikit_learn_one_line_names_the_extra(tmp_path, example, wanted):
    (tmp_path / 'sklearn.py').write_text("raise ImportError('not here')")
    done = subprocess.run(
        [sys.executable, str(REPO / 'examples' / example / 'train.py'), '--output', 'new'],
        cwd=tmp_path, env={'PYTHONPATH': f'{tmp_path}:{REPO}', 'PATH': '/usr/bin:/bin'},
        capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f'train.py: {wanted} need an optional dependency: '
        "pip install 'mxnet-model-server[examples]'")
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'new').exists()

"""The examples that train on what scikit-learn brings, where it is not installed."""

import subprocess
import sys

from harness import REPO

WANTED = {'digits': "scikit-learn's digits", 'ssd': "scikit-learn's digits",
          'denoise': "scikit-learn's photographs"}


def test_without_scikit_learn_one_line_names_the_extra(tmp_path):
    (tmp_path / 'sklearn.py').write_text("raise ImportError('not here')")
    runs = {example: subprocess.Popen(
        [sys.executable, str(REPO / 'examples' / example / 'train.py'), '--output', 'new'],
        cwd=tmp_path, env={'PYTHONPATH': f'{tmp_path}:{REPO}', 'PATH': '/usr/bin:/bin'},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for example in WANTED}
    for example, run in runs.items():
        _, errors = run.communicate(timeout=120)
        assert run.returncode == 1
        assert errors.splitlines()[-1] == (
            f'train.py: {WANTED[example]} need an optional dependency: '
            "pip install 'mxnet-model-server[examples]'")
        assert 'Traceback' not in errors
    assert not (tmp_path / 'new').exists()

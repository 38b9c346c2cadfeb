"""--check: each model is loaded and asked once, and nothing is served."""

import os
import subprocess
import sys

import pytest
from harness import FIXTURES, TENSORS, write_archive

PICKY = "raise __import__('mms.errors').errors.BadRequest('zeros mean nothing to me')"
BROKEN = "raise RuntimeError('no such table')"


@pytest.fixture
def check(tmp_path):
    def run(*words):
        return subprocess.run([sys.executable, '-m', 'mms', *words, '--check', '--workers', '1',
                               '--port', '1'],
                              cwd=tmp_path, capture_output=True, text=True, timeout=120)
    return run


def test_what_became_of_each_model_is_told_and_one_that_fails_fails_the_command(check, tmp_path):
    (tmp_path / 'bad.model').write_text('no archive')
    done = check('--models', f'vision={FIXTURES}/a2_vision.model',
                 f"picky={write_archive(tmp_path, 'picky', PICKY)}",
                 f"broken={write_archive(tmp_path, 'broken', BROKEN)}", 'bad=bad.model')
    head, *rows = done.stdout.splitlines()
    assert head.split() == ['model', 'loaded', 'in', 'answered', 'in', 'result']
    results = {row.split()[0]: row.split('  ')[-1].strip() for row in rows[:4]}
    assert results == {'vision': 'answers', 'picky': 'loads; finds fault with a made-up request',
                       'broken': 'loads; fails over a made-up request', 'bad': 'does not load'}
    told = '\n'.join(rows[4:])
    assert 'model picky answers 400: ' in told
    assert 'zeros mean nothing to me' in told
    assert 'model broken answers 500: ' in told
    assert told.endswith('give each input a "sample" in signature.json.')
    assert 'model bad cannot be served: bad.model is not a model archive' in told
    assert done.stderr.splitlines()[-1] == (
        'mxnet-model-server: 2 of 4 models cannot be served as asked')
    assert done.returncode == 1
    assert sorted(os.listdir(tmp_path)) == ['bad.model', 'broken.model', 'picky.model']


def test_a_folder_that_is_watched_is_checked_too_and_fault_with_a_made_up_request_is_none(
        check, tmp_path):
    folder = tmp_path / 'models'
    folder.mkdir()
    write_archive(folder, 'picky', PICKY)
    done = check('--models', f"fine={write_archive(tmp_path, 'fine')}",
                 f"idle={write_archive(tmp_path, 'idle', 'return [1]', {**TENSORS, 'inputs': []})}",
                 '--watch', str(folder))
    rows = [row.split() for row in done.stdout.splitlines()[1:4]]
    assert [(row[0], 'answers' in row) for row in rows] == [
        ('fine', True), ('idle', True), ('picky', False)]
    assert done.returncode == 0, done.stderr

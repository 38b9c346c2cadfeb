"""What the examples' train.py refuses before it trains."""

import subprocess
import sys

from harness import REPO

FIRST_FOLDER = {'ssd': 'taken/model', 'digits': 'taken/model', 'denoise': 'taken/model',
                'gluon_character_cnn': 'taken', 'lstm_ptb': 'taken'}


def start(example, folder, *flags):
    return subprocess.Popen(
        [sys.executable, '-W', 'ignore', str(REPO / 'examples' / example / 'train.py'), *flags],
        cwd=folder, env={'PYTHONPATH': str(REPO), 'PATH': '/usr/bin:/bin'},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_folder_that_cannot_be_written_is_told_before_the_training(tmp_path):
    (tmp_path / 'taken').write_text('a file')
    runs = {example: start(example, tmp_path, '--output', 'taken') for example in FIRST_FOLDER}
    for example, run in runs.items():
        printed, errors = run.communicate(timeout=120)
        assert (run.returncode, printed) == (1, '')
        [line] = errors.splitlines()
        assert line.startswith(
            f'train.py: --output: {FIRST_FOLDER[example]} cannot be written: '), line
        assert line.endswith('; name another folder')


def test_epochs_are_a_whole_number_of_one_or_more(tmp_path):
    runs = {epochs: start(example, tmp_path, '--output', 'new', '--epochs', epochs)
            for example, epochs in (('gluon_character_cnn', '0'), ('lstm_ptb', '-1'))}
    for epochs, run in runs.items():
        _, errors = run.communicate(timeout=120)
        assert run.returncode == 2
        assert errors.splitlines()[-1] == (
            f'train.py: error: argument --epochs: {epochs} is no whole number of 1 or more')
    assert not (tmp_path / 'new').exists()

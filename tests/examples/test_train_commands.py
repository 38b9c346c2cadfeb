"""What the examples' train.py refuses before it trains."""

import launcher
import pytest
from example_script import WITHOUT
from extras import require
from harness import REPO

FIRST_FOLDER = {'ssd': 'taken/model', 'digits': 'taken/model', 'denoise': 'taken/model',
                'gluon_character_cnn': 'taken', 'lstm_ptb': 'taken'}
EXTRAS = {'digits': ("scikit-learn's digits", 'sklearn'),
          'ssd': ("scikit-learn's digits", 'sklearn'),
          'denoise': ("scikit-learn's photographs", 'sklearn'),
          'gluon_character_cnn': ('The texts to train on', 'django')}


@pytest.fixture(autouse=True, scope='module')
def examples_are_installed():
    require('django', 'sklearn')


def train(example, folder, *flags, **variables):
    return launcher.run('example_script', REPO / 'examples' / example / 'train.py', *flags,
                        cwd=folder, env={**launcher.environment(), **variables}, text=True)


@pytest.mark.parametrize('example', FIRST_FOLDER)
def test_a_folder_that_cannot_be_written_is_told_before_the_training(example, tmp_path):
    (tmp_path / 'taken').write_text('a file')
    run = train(example, tmp_path, '--output', 'taken')
    assert (run.returncode, run.stdout) == (1, '')
    [line] = run.stderr.splitlines()
    assert line.startswith(
        f'train.py: --output: {FIRST_FOLDER[example]} cannot be written: '), line
    assert line.endswith('; name another folder')


@pytest.mark.parametrize(('example', 'epochs'), [('gluon_character_cnn', '0'), ('lstm_ptb', '-1')])
def test_epochs_are_a_whole_number_of_one_or_more(example, epochs, tmp_path):
    run = train(example, tmp_path, '--output', 'new', '--epochs', epochs)
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1] == (
        f'train.py: error: argument --epochs: {epochs} is no whole number of 1 or more')
    assert not (tmp_path / 'new').exists()


@pytest.mark.parametrize('example', EXTRAS)
def test_without_the_package_of_the_data_one_line_names_the_extra(example, tmp_path):
    wanted, package = EXTRAS[example]
    run = train(example, tmp_path, '--output', 'new', **{WITHOUT: package})
    assert (run.returncode, run.stdout) == (1, '')
    assert run.stderr == (f'train.py: {wanted} need an optional dependency: '
                          "pip install 'mxnet-model-server[examples]'\n")
    assert not (tmp_path / 'new').exists()

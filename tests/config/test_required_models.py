"""``--required-models``: names, all, or none."""

import pytest

from mms.arg_parser import ArgParser
from mms.config.required_models import Required
from mms.config.settings import Settings
from mms.errors import UsageError


def settings(*words):
    return Settings.from_args(ArgParser.parse_words(['--models', 'm=m.model', *words]))


def test_those_of_the_start_are_required_while_they_are_served():
    assert settings().required == Required(if_served=('m',))


@pytest.mark.parametrize(('words', 'required'), [
    (['all'], Required(every=True)), (['none'], Required()),
    (['a', 'b', 'a'], Required(names=('a', 'b')))])
def test_others_may_be(words, required):
    assert settings('--required-models', *words).required == required


@pytest.mark.parametrize('words', [['all', 'm'], ['m', 'none'], ['']])
def test_what_means_nothing_is_refused(words):
    with pytest.raises(UsageError, match='^--required-models .* is not all, none, or names'):
        settings('--required-models', *words)


def test_a_model_that_is_to_come_to_a_folder_may_have_workers_of_its_own():
    assert settings('--watch', 'd', '--workers', 'later=3').workers_of('later') == 3
    with pytest.raises(UsageError, match="there is no model 'later' in --models"):
        settings('--workers', 'later=3')

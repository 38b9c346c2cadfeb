"""Each option is one entry, from which all else is made."""

from dataclasses import fields

import pytest

from mms.arg_parser import ArgParser
from mms.config.options import Group
from mms.config.settings import OPTIONS, Settings

HELP = ' '.join(ArgParser.mms_parser().format_help().split())
PARSED = {action.option_strings[-1]: action for action in ArgParser.mms_parser()._actions}


def test_every_field_of_the_settings_is_an_option():
    assert {field.name for field in fields(Settings)} - {'sources', 'advice'} == OPTIONS.keys()


def test_the_parser_has_the_options_and_nothing_else_but_its_own():
    assert PARSED.keys() == {option.flag for option in OPTIONS.values()} | {'--help', '--version'}


def test_an_option_is_named_alike_in_all_sources():
    option = OPTIONS['max_batch_delay_ms']
    assert (option.flag, option.variable, option.key, option.dest) == (
        '--max-batch-delay', 'MMS_MAX_BATCH_DELAY', 'max-batch-delay', 'max_batch_delay')


@pytest.mark.parametrize('option', OPTIONS.values(), ids=lambda option: option.flag)
def test_the_help_tells_default_and_variable(option):
    told = PARSED[option.flag].help
    assert option.variable in told
    assert option.shown.replace('`', '') in told
    assert '`' not in told


def test_the_help_has_a_part_for_each_group_in_order():
    places = [HELP.index(f' {group.value}: ') for group in Group]
    assert places == sorted(places)


@pytest.mark.parametrize('name', OPTIONS)
def test_a_default_that_could_be_typed_is_the_value_of_the_setting(name):
    option = OPTIONS[name]
    assert option.default() == getattr(Settings(), name)

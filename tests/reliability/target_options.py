"""Options as anybody may give them: words, variables of the environment, a config file.

Each input of the fuzzer is a list of words, of which some are put elsewhere.
"""

import contextlib
import os
import tempfile
from functools import cache

from mms.config.server_parser import server_in_program
from mms.config.settings import OPTIONS, Settings
from mms.errors import UsageError

_FLAGS = [option.flag for option in OPTIONS.values()]
# What prints something and ends, and what stands between the parts of an input.
_PRINT = ('-h', '--he', '--vers')
_WORD_ENDS, _SOURCE_ENDS = '\x1e', '\x1d'


@contextlib.contextmanager
def environment(variables):
    """The process's own environment without its options, and with these."""
    before = dict(os.environ)
    for option in OPTIONS.values():
        os.environ.pop(option.variable, None)
        os.environ.pop(option.other_variable, None)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@cache
def _parser():
    """To make it takes ten times as long as to read the words."""
    return server_in_program(own_words=False)


def settings_of(words, variables=(), config=None):
    """The settings that come of all sources; UsageError where one of them is wrong."""
    with contextlib.ExitStack() as stack:
        if config is not None:
            file = stack.enter_context(tempfile.NamedTemporaryFile(suffix='.toml'))
            file.write(config)
            file.flush()
            words = [*words, '--config', file.name]
        stack.enter_context(environment(dict(variables)))
        return Settings.from_args(_parser().parse_args(words))


def check_sources(words, variables=(), config=None):
    """All sources together are settings, or one line that says which of them is wrong."""
    names = [*(option.flag for option in OPTIONS.values()), *dict(variables), '.toml',
             # What argparse says of words that are no flags, or of too many of them.
             'unrecognized arguments', 'ambiguous option', 'expected one argument']
    try:
        made = settings_of(words, variables, config)
    except UsageError as error:
        text = str(error)
        assert any(name in text for name in names), text
        return None
    # What the log and the messages of a start show of them.
    assert repr(made)
    for name in OPTIONS:
        assert made.said(name)
        assert str(getattr(made, name)) is not None
    return made


def check_options(data):
    """Take an input apart, and check what comes of it."""
    text = data.decode('utf-8', 'surrogateescape').replace('\0', '')
    words, variables, config = [*text.split(_SOURCE_ENDS), '', ''][:3]
    words = [_FLAGS[ord(word[1]) % len(_FLAGS)] + word[2:] if word[:1] == '\x1f' and word[1:]
             else word for word in words.split(_WORD_ENDS)]
    if any(word.startswith(_PRINT) for word in words):
        # These print, and end the process.
        return
    pairs = [word.partition('=') for word in variables.split(_WORD_ENDS)]
    known = {option.variable for option in OPTIONS.values()}
    variables = {name: value for name, _, value in pairs if name in known}
    variables.pop('MMS_CONFIG', None)
    check_sources(['--models', 'm=m', *(word for word in words if word)], variables,
                  config.encode('utf-8', 'surrogateescape') or None)

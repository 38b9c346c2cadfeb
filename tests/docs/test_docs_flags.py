"""Every flag is documented, and every documented flag exists."""

import re
import shlex

import pytest
from doc_pages import DOCS, PAGES, code_spans, commands, name_of, prose, read, row_of, section

from mms.arg_parser import ArgParser
from mms.config import settings as config

PARSERS = {'docs/server.md': ArgParser.mms_parser(), 'docs/export.md': ArgParser.export_parser()}
# What starts each command, as it is written in the documentation.
STARTS = [
    (['mxnet-model-server'], 'docs/server.md'), (['mxnet-model-export'], 'docs/export.md'),
    (['python', '-m', 'mms'], 'docs/server.md'),
    (['python', '-m', 'mms.export_model'], 'docs/export.md'),
]
FLAG = re.compile(r'(?<![\w-])--[a-z][a-z-]*')
# Flags of other commands that the text speaks of.
OTHERS = {'--no-deps': 'pip', '--output': 'build_archive.py', '--format': 'build_archive.py',
          '--wheel': 'build_archive.py', '--out': 'compare.py', '--peers': 'compare.py',
          '--seen': 'cores.py', '--fixed': 'cores.py',
          '--model': 'mms.worker', '--gpus': 'docker',
          '--epochs': 'train.py', '--write': 'make matrix', '--help': 'make matrix',
          '--worker-class': 'gunicorn', '--preload': 'gunicorn', '--timeout': 'gunicorn',
          '--enable-threads': 'uWSGI', '--lazy-apps': 'uWSGI'}


def flags(parser):
    return {option for action in parser._actions for option in action.option_strings
            if option.startswith('--')}


ALL_FLAGS = set().union(*map(flags, PARSERS.values()))


@pytest.mark.parametrize(('page', 'flag'), [
    (page, flag) for page, parser in PARSERS.items() for flag in sorted(flags(parser))])
def test_a_flag_has_a_row_on_its_page(page, flag):
    assert row_of(section(read(page), 'Flags'), flag)


@pytest.mark.parametrize(('flag', 'default', 'value'), [
    ('--port', '8080', config.DEFAULT_PORT), ('--host', '127.0.0.1', config.DEFAULT_HOST),
    ('--log-file', 'mms_app.log', config.DEFAULT_LOG_FILE),
    ('--log-rotation-time', '1 H', config.DEFAULT_LOG_ROTATION),
    ('--max-request-size', '64M', config.DEFAULT_MAX_REQUEST_BYTES),
    ('--max-image-pixels', '50000000', config.DEFAULT_MAX_IMAGE_PIXELS),
    ('--workers', 'auto', config.Settings({}).default_workers),
    ('--batch-size', 'auto', config.Settings({}).batch_size),
    ('--max-batch-delay', '0', config.Settings({}).max_batch_delay_ms),
    ('--queue-size', '1000', config.DEFAULT_QUEUE_SIZE),
    ('--request-timeout', '120', config.DEFAULT_REQUEST_TIMEOUT_S),
    ('--max-requests-per-worker', '0', config.Settings({}).max_requests_per_worker),
    ('--log-level', 'INFO', config.Settings({}).log_level),
    ('--metrics-write-to', 'log', config.Settings({}).metrics_write_to),
])
def test_the_default_on_the_page_is_the_real_one(flag, default, value):
    assert code_spans(row_of(read('docs/server.md'), flag)[1]) == [default]
    words = ['--models', 'm=m.model', flag, default]
    given = config.Settings.from_args(ArgParser.extract_args(words))
    assert given == config.Settings.from_args(ArgParser.extract_args(words[:2]))
    assert value in vars(given).values()


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_a_flag_in_the_text_exists(page):
    text = prose(page.read_text(encoding='utf-8'))
    named = {flag for span in code_spans(text) for flag in FLAG.findall(span)}
    assert named <= ALL_FLAGS | set(OTHERS)


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_a_command_in_a_block_has_flags_of_its_own(page):
    for line in commands(page.read_text(encoding='utf-8')):
        words = shlex.split(line)
        for start, owner in STARTS:
            if words[:len(start)] == start:
                assert set(FLAG.findall(line)) <= flags(PARSERS[owner]), line


def test_the_pages_show_both_commands():
    lines = [line for page in DOCS for line in commands(page.read_text(encoding='utf-8'))]
    for command in ('mxnet-model-server', 'mxnet-model-export'):
        assert any(line.startswith(command) for line in lines)

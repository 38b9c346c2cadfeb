"""Every flag is documented, and every documented flag exists."""

import argparse
import re
import shlex

import doc_options
import pytest
from doc_pages import DOCS, PAGES, code_spans, commands, name_of, prose, read, row_of, section

from mms.arg_parser import ArgParser
from mms.config.settings import OPTIONS, Settings
from mms.management_command.parser import models_parser
from mms.predict_command.parser import predict_parser

PARSERS = {'docs/server.md': ArgParser.mms_parser(), 'docs/export.md': ArgParser.export_parser(),
           'docs/models_command.md': models_parser(), 'docs/client.md': predict_parser()}
# What starts each command, as it is written in the documentation; the first that fits counts.
STARTS = [
    (['mxnet-model-server', 'models'], 'docs/models_command.md'),
    (['mxnet-model-server'], 'docs/server.md'), (['mxnet-model-export'], 'docs/export.md'),
    (['mxnet-model-predict'], 'docs/client.md'), (['python', '-m', 'mms'], 'docs/server.md'),
    (['python', '-m', 'mms.export_model'], 'docs/export.md'),
]
FLAG = re.compile(r'(?<![\w-])--[a-z][a-z-]*')
# Flags of other commands that the text speaks of.
OTHERS = {'--no-deps': 'pip', '--library': 'openapi-generator',
          '--unix-socket': 'curl', '--only': 'attacks.py',
          '--server-flags': 'attacks.py',
          '--output': 'build_archive.py', '--format': 'build_archive.py',
          '--wheel': 'build_archive.py', '--out': 'compare.py', '--peers': 'compare.py',
          '--parts': 'compare.py', '--before': 'compare.py',
          '--into': 'compare.py',
          '--seen': 'cores.py', '--fixed': 'cores.py',
          '--model': 'mms.worker', '--gpus': 'docker', '--stop-timeout': 'docker',
          '--init': 'docker', '--tmpfs': 'docker', '--user': 'docker', '--cap-drop': 'docker',
          '--cap-add': 'docker', '--security-opt': 'docker',
          '--kill-who': 'systemctl', '--now': 'systemctl', '--system': 'useradd',
          '--home-dir': 'useradd', '--no-create-home': 'useradd', '--shell': 'useradd',
          '--epochs': 'train.py', '--write': 'make matrix', '--help': 'make matrix',
          '--keep': 'fuzz.py',
          '--worker-class': 'gunicorn', '--preload': 'gunicorn', '--timeout': 'gunicorn',
          '--enable-threads': 'uWSGI', '--lazy-apps': 'uWSGI'}


def flags(parser):
    own = {option for action in parser._actions for option in action.option_strings
           if option.startswith('--')}
    return own.union(*(flags(verb) for action in parser._actions
                       if isinstance(action, argparse._SubParsersAction)
                       for verb in action.choices.values()))


ALL_FLAGS = set().union(*map(flags, PARSERS.values()))


@pytest.mark.parametrize(('page', 'flag'), [
    (page, flag) for page, parser in PARSERS.items() for flag in sorted(flags(parser))])
def test_a_flag_has_a_row_on_its_page(page, flag):
    assert row_of(section(read(page), 'Flags'), flag)


@pytest.mark.parametrize(('flag', 'default', 'setting'), [
    ('--port', '8080', 'port'), ('--host', '127.0.0.1', 'host'),
    ('--log-file', 'mms_app.log', 'log_file'), ('--log-rotation-time', '1 H', 'log_rotation'),
    ('--max-request-size', '64M', 'max_request_bytes'),
    ('--max-image-pixels', '50000000', 'max_image_pixels'),
    ('--workers', 'auto', 'workers'), ('--batch-size', 'auto', 'batch_size'),
    ('--max-batch-delay', '0', 'max_batch_delay_ms'),
    ('--queue-size', '1000', 'queue_size'), ('--request-timeout', '120', 'request_timeout_s'),
    ('--max-requests-per-worker', '0', 'max_requests_per_worker'),
    ('--log-level', 'INFO', 'log_level'), ('--metrics-write-to', 'log', 'metrics_write_to'),
])
def test_the_default_on_the_page_is_the_real_one(flag, default, setting):
    assert code_spans(row_of(read('docs/server.md'), flag)[1]) == [default]
    words = ['--models', 'm=m.model', flag, default]
    given = Settings.from_args(ArgParser.extract_args(words))
    assert given == Settings.from_args(ArgParser.extract_args(words[:2]))
    assert vars(given)[setting] == vars(Settings())[setting]


def test_the_table_of_the_page_is_that_of_the_options():
    _, written, _ = doc_options.parts(read('docs/server.md'))
    assert written == doc_options.table(OPTIONS.values()), (
        'docs/server.md tells other options than mms.config.settings has: '
        'python tests/docs/doc_options.py writes them there')


def test_a_page_without_a_place_for_the_table_is_told():
    with pytest.raises(AssertionError, match='no place for the table'):
        doc_options.parts('# A page')


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_a_flag_in_the_text_exists(page):
    text = prose(page.read_text(encoding='utf-8'))
    named = {flag for span in code_spans(text) for flag in FLAG.findall(span)}
    assert named <= ALL_FLAGS | set(OTHERS)


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_a_command_in_a_block_has_flags_of_its_own(page):
    for line in commands(page.read_text(encoding='utf-8')):
        words = shlex.split(line)
        owners = [owner for start, owner in STARTS if words[:len(start)] == start]
        for owner in owners[:1]:
            assert set(FLAG.findall(line)) <= flags(PARSERS[owner]), line


def test_the_pages_show_both_commands():
    lines = [line for page in DOCS for line in commands(page.read_text(encoding='utf-8'))]
    for command in ('mxnet-model-server', 'mxnet-model-export'):
        assert any(line.startswith(command) for line in lines)

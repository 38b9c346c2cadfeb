"""Imports point downward only, and the wings of the house never meet."""

import ast
import subprocess
import sys
from importlib.util import find_spec

import pytest
from draw_architecture import FLOORS, FRONT, GROUND, MODEL, PICTURE, TOOLS, picture
from harness import REPO
from sources import tree

MODULES = sorted(path for path in (REPO / 'mms').rglob('*.py')
                 if path != REPO / 'mms' / '__init__.py')


def part(dotted):
    return dotted.split('.')[1]


def name_of(path):
    return '.'.join(path.relative_to(REPO).with_suffix('').parts)


def imports(path):
    """Modules of this package that a file imports, those inside functions too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module == 'mms':
            yield from (f'mms.{alias.name}' for alias in node.names if alias.name in FLOORS)
        elif isinstance(node, ast.ImportFrom) and (node.module or '').startswith('mms.'):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith('mms.'))


def within(parts):
    return [path for path in MODULES if part(name_of(path)) in parts]


def others(path):
    """Modules of installed packages that a file imports."""
    for node in ast.walk(tree(path)):
        names = []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        yield from (name for name in names if 'site-packages' in str(find_spec(name).origin))


def test_every_part_has_its_place():
    wings = [GROUND, FRONT, MODEL, TOOLS]
    assert sorted(FLOORS) == sorted(name for wing in wings for name in wing)
    assert {part(name_of(path)) for path in MODULES} == set(FLOORS)


def test_the_picture_is_that_of_the_code():
    drawn = PICTURE.read_text(encoding='utf-8')
    assert drawn == picture(), 'draw it anew: python docs/draw_architecture.py'


@pytest.mark.parametrize('path', MODULES, ids=name_of)
def test_a_module_imports_only_from_below(path):
    here = FLOORS.index(part(name_of(path)))
    above = [name for name in imports(path) if FLOORS.index(part(name)) > here]
    assert above == []


@pytest.mark.parametrize('path', within(GROUND), ids=name_of)
def test_the_ground_stands_on_nothing_but_itself(path):
    assert [name for name in imports(path) if part(name) not in GROUND] == []


@pytest.mark.parametrize('path', within(FRONT), ids=name_of)
def test_the_front_imports_nothing_of_a_model(path):
    assert [name for name in imports(path) if part(name) in MODEL] == []


@pytest.mark.parametrize('path', within(MODEL), ids=name_of)
def test_a_model_imports_nothing_of_the_front_nor_of_the_tools(path):
    assert [name for name in imports(path) if part(name) in FRONT | TOOLS] == []


def test_a_process_of_a_model_has_neither_the_options_nor_their_parser():
    code = ('import sys, mms.worker.main, mms.worker.check\n'
            'print(*sorted(name for name in sys.modules if name.startswith(("mms.config", '
            '"mms.arg_parser"))))')
    done = subprocess.run([sys.executable, '-c', code], cwd=REPO, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, 'mms.config mms.config.defaults\n'), done.stderr


@pytest.mark.parametrize('module', ['mms', 'mms.mxnet_model_server', 'mms.model_loader',
                                    'mms.arg_parser', 'mms.export_model', 'mms.serving.embedding'])
def test_importing_it_brings_in_nothing_heavy(module):
    heavy = ['mxnet', 'numpy', 'onnx', 'PIL', 'boto3', 'requests', 'tqdm', 'flask']
    code = f'import sys, {module}; print(*(name for name in {heavy} if name in sys.modules))'
    done = subprocess.run([sys.executable, '-c', code], cwd=REPO, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, '\n'), done.stderr


@pytest.mark.parametrize('path', within({'batching'}), ids=name_of)
def test_decisions_are_made_without_sockets_processes_and_libraries(path):
    assert {part(name) for name in imports(path)} <= {'batching', 'errors'}
    assert list(others(path)) == []


PRINTERS = {'print', 'write', 'print_exc', 'print_exception'}
# What they print is JSON, for the process that has started them.
PRINTING = {'mms.runtime.streams', 'mms.worker.devices.visible_gpus', 'mms.from_onnx.__main__'}


@pytest.mark.parametrize('path', [p for p in MODULES if name_of(p) not in PRINTING], ids=name_of)
def test_a_module_prints_through_the_place_that_escapes(path):
    named = [node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call)
             and getattr(node.func, 'id', getattr(node.func, 'attr', '')) in PRINTERS]
    assert not {'print', 'sys.stdout.write', 'sys.stderr.write', 'traceback.print_exc',
                'traceback.print_exception', 'tqdm.write'} & set(map(ast.unparse, named))


def test_a_named_tuple_has_no_other_base():
    """Python 3.9 and 3.10 refuse it, which neither ruff nor mypy tells."""
    found = [f'{name_of(path)}.{node.name}' for path in MODULES for node in ast.walk(tree(path))
             if isinstance(node, ast.ClassDef) and len(node.bases) > 1
             and 'NamedTuple' in map(ast.unparse, node.bases)]
    assert found == []

"""Imports point downward only, and the two arms of the house never meet."""

import ast
import subprocess
import sys

import pytest
from harness import REPO

# From the ground floor up; a part may import the parts before it, and itself.
FLOORS = ['version', 'errors', 'private_memory', 'room', 'devices', 'printable', 'mxnet_compat',
          'pictures', 'utf8', 'child_python', 'interrupts', 'greenlets', 'turn', 'guard',
          'programs', 'streams', 'in_thread', 'garbage', 'device_flags', 'config', 'resources',
          'log_lines', 'log_relay',
          'nonblocking_stream', 'log', 'uncaught', 'kept_folder', 'workspace', 'run',
          'archive', 'files', 'arg_parser', 'model_loader', 'messages', 'wire', 'openapi3',
          'codegen', 'inspection', 'utils', 'model_service', 'worker', 'from_onnx', 'conversion',
          'export_model', 'metrics', 'batching', 'pool', 'scheduler', 'models', 'frontend',
          'embedding', 'mxnet_model_server', '__main__']
CHILD = {'mxnet_compat', 'pictures', 'utils', 'model_service', 'worker', 'from_onnx'}
FRONT = {'interrupts', 'greenlets', 'turn', 'guard', 'garbage', 'programs', 'in_thread',
         'device_flags',
         'resources', 'kept_folder', 'workspace', 'files', 'run', 'archive', 'arg_parser',
         'model_loader', 'openapi3', 'codegen', 'inspection', 'metrics', 'batching', 'pool',
         'scheduler', 'models', 'frontend', 'embedding', 'mxnet_model_server'}
MODULES = sorted(path for path in (REPO / 'mms').rglob('*.py')
                 if path != REPO / 'mms' / '__init__.py')


def part(dotted):
    return dotted.split('.')[1]


def name_of(path):
    return '.'.join(path.relative_to(REPO).with_suffix('').parts)


def imports(path):
    """Modules of this package that a file imports, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == 'mms':
            yield from (f'mms.{alias.name}' for alias in node.names if alias.name in FLOORS)
        elif isinstance(node, ast.ImportFrom) and (node.module or '').startswith('mms.'):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith('mms.'))


@pytest.mark.parametrize('path', MODULES, ids=name_of)
def test_a_module_imports_only_from_below(path):
    here = FLOORS.index(part(name_of(path)))
    above = [name for name in imports(path) if FLOORS.index(part(name)) > here]
    assert above == []


@pytest.mark.parametrize('path', [p for p in MODULES if part(name_of(p)) in FRONT], ids=name_of)
def test_the_front_imports_nothing_of_the_child(path):
    assert [name for name in imports(path) if part(name) in CHILD] == []


def test_the_child_imports_nothing_of_the_front_but_what_both_share():
    shared = {'archive'}
    met = {(name_of(path), name) for path in MODULES if part(name_of(path)) in CHILD
           for name in imports(path) if part(name) in FRONT - shared}
    assert met == set()


@pytest.mark.parametrize('module', ['mms', 'mms.mxnet_model_server', 'mms.model_loader',
                                    'mms.arg_parser', 'mms.export_model', 'mms.serving.embedding'])
def test_importing_it_brings_in_nothing_heavy(module):
    heavy = ['mxnet', 'numpy', 'onnx', 'PIL', 'boto3', 'requests', 'tqdm']
    code = f'import sys, {module}; print(*(name for name in {heavy} if name in sys.modules))'
    done = subprocess.run([sys.executable, '-c', code], cwd=REPO, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, '\n'), done.stderr


def test_decisions_are_made_without_sockets_and_processes():
    for path in (REPO / 'mms' / 'batching').glob('*.py'):
        assert {name for name in imports(path) if part(name) not in ('batching', 'messages',
                                                                     'errors')} == set()


# What they print is JSON, for the process that has started them.
PRINTING = {'mms.runtime.streams', 'mms.worker.devices.visible_gpus', 'mms.from_onnx.__main__'}


@pytest.mark.parametrize('path', [p for p in MODULES if name_of(p) not in PRINTING], ids=name_of)
def test_a_module_prints_through_the_place_that_escapes(path):
    calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text()))
             if isinstance(node, ast.Call)]
    assert not {'print', 'sys.stdout.write', 'sys.stderr.write', 'traceback.print_exc',
                'traceback.print_exception', 'tqdm.write'} & set(calls)

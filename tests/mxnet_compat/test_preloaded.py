"""MXNet that a process has imported before, and that its forks find when they import it."""

import pytest
from forks import Forks
from harness import REPO
from sources import tree

PRELOADED = '''
import os, sys
os.environ.update(MXNET_ENGINE_TYPE='NaiveEngine', OMP_NUM_THREADS='1')
from mms import mxnet_compat
from mms.mxnet_compat import after_import, preloaded
from mms.worker.launcher import _USED
mxnet_compat.prepare_services()
found = preloaded.preload(_USED)
withheld = {name: sys.modules[name] for name in found._modules}
found.withhold()
'''


@pytest.fixture(scope='module')
def printed():
    """The words that code prints in a fork of the process."""
    with Forks(PRELOADED) as forks:
        yield lambda code: forks.printed(code).split()


def test_it_is_not_there_until_it_is_imported(printed):
    assert printed('''
print(any(name.partition('.')[0] == 'mxnet' for name in sys.modules))
import mms.model_service
print('mxnet_model_service' in vars(mms.model_service))
import mxnet
print(all(sys.modules[name] is module for name, module in withheld.items()))
print(mxnet.__spec__.loader is mxnet.__loader__, type(mxnet.__loader__).__name__)
print(preloaded.find())
''') == ['False', 'False', 'True', 'True', 'SourceFileLoader', 'None']


@pytest.mark.parametrize('statement', [
    'import mxnet.gluon.nn', 'from mxnet import nd', 'from mms.mxnet_compat import mxnet',
    'from mms.model_service import mxnet_model_service',
    'from mms.utils.mxnet import image', 'import mms.model_service.gluon_vision_service'])
def test_whoever_imports_a_part_has_all_of_it(printed, statement):
    assert printed(f'''
{statement}
print('mxnet' in sys.modules, sys.modules['mxnet'].nd.ones((1,)).asscalar())
''') == ['True', '1.0']


def test_what_is_to_be_called_at_the_import_is_called_then_and_once(printed):
    assert printed('''
after_import.call('mxnet', lambda mxnet: print('all', 'mxnet' in sys.modules))
after_import.call('mxnet.libinfo', lambda libinfo: print('library', 'mxnet' in sys.modules))
print('before')
import mxnet.libinfo
import mxnet
''') == ['before', 'library', 'True', 'all', 'True']


def test_it_can_be_found_without_being_imported(printed):
    assert printed('''
from importlib.util import find_spec
print(find_spec('mxnet').origin.endswith('mxnet/__init__.py'), 'mxnet' in sys.modules)
''') == ['True', 'False']


@pytest.mark.parametrize(('change', 'reason'), [
    ("os.environ['MXNET_ENGINE_TYPE'] = 'ThreadedEngine'",
     'it sets MXNET_ENGINE_TYPE before it imports MXNet'),
    ("del os.environ['OMP_NUM_THREADS']", 'it sets OMP_NUM_THREADS before it imports MXNet'),
    ("os.environ['PATH'] = '/bin'", '')])
def test_who_sets_what_the_library_reads_once_is_told(printed, change, reason):
    assert ' '.join(printed(f'''
found.unsuited = print
{change}
import mxnet
''')) == reason


def test_who_has_another_mxnet_is_told(printed, tmp_path):
    (tmp_path / 'mxnet.py').write_text('')
    assert ' '.join(printed(f'''
found.unsuited = print
sys.path.insert(0, {str(tmp_path)!r})
import mxnet
''')) == f'it imports MXNet from {tmp_path}/mxnet.py'


def test_what_is_withheld_of_this_package_imports_mxnet_itself_or_one_that_does(printed):
    names = set(printed('print(*withheld)'))
    own = {name for name in names if name.startswith('mms.')}
    assert {'mms.model_service.mxnet_model_service', 'mms.worker.warm_up.fusion'} <= own
    for name in own:
        text = str([node.module for node in tree_of(name)])
        assert any(part in text for part in ('mxnet', *own)), name


def tree_of(name):
    import ast

    path = REPO.joinpath(*name.split('.'))
    path = path / '__init__.py' if path.is_dir() else path.with_suffix('.py')
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom)]

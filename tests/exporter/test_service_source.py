"""The served class of a service file, found without running it.

That those agree who run a file and who read it is seen in tests/worker/test_service_loader.py.
"""

import textwrap

import pytest

from mms.errors import ServiceError
from mms.exporter.service_source import find_service_class

BASE = 'from mms.model_service.mxnet_model_service import MXNetBaseService\n'


@pytest.fixture
def find(tmp_path):
    def find(text, **others):
        for name, content in {'service': text, **others}.items():
            (tmp_path / f'{name}.py').write_text(textwrap.dedent(content), 'utf-8')
        return find_service_class(str(tmp_path / 'service.py'), str(tmp_path), 'MXNet-Symbolic')

    return find


def test_nothing_in_the_file_is_run(find, tmp_path):
    assert find(BASE + f'open({str(tmp_path / "ran")!r}, "w")\n'
                'class Mine(MXNetBaseService):\n    raise SystemExit\n') == 'Mine'
    assert not (tmp_path / 'ran').exists()


def test_a_base_in_another_module_of_the_archive_is_followed(find):
    assert find('import helpers\nclass Mine(helpers.Base):\n    pass\n',
                helpers=BASE + 'class Base(MXNetBaseService):\n    pass\n') == 'Mine'


def test_a_base_that_comes_by_a_star_is_followed(find):
    assert find('from helpers import *\nclass Mine(Base):\n    pass\n',
                helpers=BASE + 'class Base(MXNetBaseService):\n    pass\n') == 'Mine'


def test_a_file_that_only_imports_its_service_serves_it(find):
    assert find('from helpers import *\n',
                helpers=BASE + 'class Theirs(MXNetBaseService):\n    pass\n') == 'Theirs'


def test_classes_inside_if_and_try_count(find):
    assert find('''
        try:
            from mms.model_service.mxnet_model_service import MXNetBaseService as Base
        except ImportError:
            Base = object
        if True:
            class Mine(Base):
                pass
    ''') == 'Mine'


def test_modules_that_import_each_other_end(find):
    with pytest.raises(ServiceError, match='found: none'):
        find('from helpers import Base\nclass Mine(Base):\n    pass\n',
             helpers='from service import Base\n')


@pytest.mark.parametrize(('text', 'found'), [
    ('', 'none'), ('class Mine(make_base()):\n    pass\n', 'none'),
    ('from mxnet.gluon import Block\nclass Net(Block):\n    pass\n', 'none'),
    (BASE + 'class One(MXNetBaseService):\n    pass\nclass Two(MXNetBaseService):\n    pass\n',
     'One, Two')])
def test_a_file_without_one_service_is_refused(find, text, found):
    with pytest.raises(ServiceError) as raised:
        find(text)
    assert str(raised.value) == ('service.py must define one service class, derived from a class '
                                 f'of mms.model_service; found: {found}')


def test_a_file_that_mixes_tabs_and_spaces_is_named_with_its_line(find):
    with pytest.raises(ServiceError, match=r'service\.py:3: TabError: inconsistent use of tabs'):
        find('class Mine:\n        a = 1\n\tb = 2\n')


@pytest.mark.parametrize('text', ['print "old"\n', '\0', '(' * 5000])
def test_a_file_that_is_no_python_is_refused(find, text):
    with pytest.raises(ServiceError, match=r'the service file cannot be loaded: service\.py'):
        find(text)

import json
import sys
import zipfile

import pytest
from harness import FIXTURES, write_archive

from mms.errors import ServiceError
from mms.worker.loading.service_factory import ServiceFactory


@pytest.fixture(autouse=True)
def imports_as_before(monkeypatch):
    monkeypatch.setattr(sys, 'path', sys.path[:])


def factory_of(archive, folder):
    zipfile.ZipFile(archive).extractall(folder)
    manifest = json.loads((folder / 'MANIFEST.json').read_text('utf-8'))
    model = manifest['Model']
    return ServiceFactory(str(folder / model['Service']), model['Model-Name'], str(folder),
                          manifest)


def test_a_factory_makes_a_new_service_each_time(tmp_path):
    factory = factory_of(FIXTURES / 'b2_json.model', tmp_path)
    one, other = factory.make(), factory.make()
    assert one is not other
    assert type(one) is type(other) is factory.service_class
    assert [entry['data_name'] for entry in one.signature['inputs']] == ['left', 'right']


def test_a_service_may_import_files_of_its_archive_when_it_is_asked(tmp_path):
    archive = write_archive(tmp_path, 'm', 'import beside_factory\nreturn beside_factory.ANSWER',
                            files={'beside_factory.py': 'ANSWER = [7]'})
    service = factory_of(archive, tmp_path / 'folder').make()
    assert service._inference([]) == [7]


def test_what_its_author_mistook_is_told_once_for_all_services(tmp_path):
    source = ('from mms.model_service.model_service import SingleNodeService\n'
              'class Service(SingleNodeService):\n'
              '    def _inference(self, data):\n'
              '        return data\n'
              '    def _preproces(self, data):\n'
              '        return data\n')
    factory = factory_of(write_archive(tmp_path, 'm', source=source), tmp_path / 'folder')
    assert factory.advice == [
        'service.py:5: Service._preproces is never called: the hook is _preprocess']


def test_a_file_without_a_service_class_makes_no_factory(tmp_path):
    with pytest.raises(ServiceError, match='must define one service class'):
        factory_of(write_archive(tmp_path, 'm', source='answer = 42'), tmp_path / 'folder')

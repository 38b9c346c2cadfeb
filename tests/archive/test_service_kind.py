"""What the file of a service names."""

from pathlib import Path

import pytest

import mms
from mms.archive.service_kind import names_mxnet


@pytest.mark.parametrize(('text', 'named'), [
    ('import mxnet as mx', True), ('from mxnet import nd', True),
    ('from mms.model_service.mxnet_model_service import MXNetBaseService', True),
    ('from mms.model_service.gluon_vision_service import GluonVisionService', True),
    ('from mms.model_service.model_service import SingleNodeService', False), ('', False),
])
def test_a_service_file_names_mxnet_or_does_not(text, named, tmp_path):
    file = tmp_path / 'service.py'
    file.write_text(text)
    assert names_mxnet(str(file)) is named


@pytest.mark.parametrize('name', ['mxnet_vision_service', 'gluon_vision_service'])
def test_those_of_this_package_do(name):
    assert names_mxnet(str(Path(mms.__file__).with_name('model_service') / f'{name}.py'))


def test_of_a_file_that_cannot_be_read_nobody_knows(tmp_path):
    assert names_mxnet(str(tmp_path / 'none.py'))

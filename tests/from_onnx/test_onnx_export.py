"""mxnet-model-export on a folder with an ONNX model."""

import json
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from extras import onnx

from mms.errors import ExportError, MissingExtraError, SignatureError
from mms.export_model import export_model

numpy_helper = onnx.numpy_helper
SIGNATURE = {
    'inputs': [{'data_name': 'x', 'data_shape': [0, 4]}], 'input_type': 'application/json',
    'outputs': [{'data_name': 'y', 'data_shape': [0, 2]}], 'output_type': 'application/json'}
SERVICE = """
from mms.model_service.mxnet_model_service import MXNetBaseService


class Half(MXNetBaseService):
    def _postprocess(self, data):
        return data[0].asnumpy().tolist()
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """The current directory, where archives are written."""
    folder = tmp_path / 'here'
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def folder(tmp_path):
    """A model whose weights lie in a file beside it, and its signature."""
    folder = tmp_path / 'net'
    folder.mkdir()
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 13]> net (float[N, 4] x) => (float[N, 2] y) '
        '{ y = MatMul (x, w) }')
    weight = np.arange(8, dtype=np.float32).reshape(4, 2)
    model.graph.initializer.append(numpy_helper.from_array(weight, 'w'))
    onnx.save(model, str(folder / 'net.onnx'), save_as_external_data=True, size_threshold=0,
              location='net.data')
    (folder / 'signature.json').write_text(json.dumps(SIGNATURE))
    (folder / 'words.txt').write_text('yes\nno\n')
    return folder


def snapshot(folder):
    return {path: (path.stat().st_mtime_ns, path.is_dir() or path.read_bytes())
            for path in [folder, *folder.rglob('*')]}


def members(archive):
    with zipfile.ZipFile(archive) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


@pytest.mark.measured
def test_the_archive_holds_the_network_in_place_of_the_model(here, folder):
    before = snapshot(folder)
    packed = members(export_model('net', str(folder)))
    assert set(packed) == {'MANIFEST.json', 'net-symbol.json', 'net-0000.params', 'signature.json',
                           'mxnet_model_service.py', 'words.txt'}
    manifest = json.loads(packed['MANIFEST.json'])['Model']
    assert manifest['Model-Format'] == 'MXNet-Symbolic'
    assert (manifest['Symbol'], manifest['Parameters']) == ('net-symbol.json', 'net-0000.params')
    assert snapshot(folder) == before
    assert os.listdir(here) == ['net.model']


def test_the_same_model_gives_the_same_bytes_and_keeps_its_service(here, folder):
    (folder / 'half.py').write_text(SERVICE)
    archives = [export_model('net', str(folder), 'half.py', export_file=name)
                for name in ('one.model', 'two.model')]
    one, two = (Path(archive).read_bytes() for archive in archives)
    assert one == two
    packed = members(archives[0])
    assert json.loads(packed['MANIFEST.json'])['Model']['Service'] == 'half.py'


def test_without_the_package_onnx_the_extra_is_named(here, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnx', None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mxnet-model-server\[onnx\]'"):
        export_model('net', str(folder))
    assert os.listdir(here) == []


@pytest.mark.measured
def test_a_model_that_cannot_be_converted_leaves_nothing_behind(here, folder, monkeypatch):
    temporary = here.parent / 'temporary'
    temporary.mkdir()
    monkeypatch.setenv('TMPDIR', str(temporary))
    monkeypatch.setattr('tempfile.tempdir', None)
    (folder / 'net.data').unlink()
    with pytest.raises(ExportError, match='cannot be read from net.data'):
        export_model('net', str(folder))
    assert (os.listdir(here), os.listdir(temporary)) == ([], [])


def test_a_model_without_a_signature_is_refused(here, folder):
    (folder / 'signature.json').unlink()
    with pytest.raises(SignatureError, match='signature.json is not found in'):
        export_model('net', str(folder))

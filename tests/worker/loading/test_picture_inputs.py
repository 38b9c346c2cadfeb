"""Which services need pictures of [batch, 3, height, width], at export and at start."""

import io
import json

import mxnet as mx
import pytest
from mxnet import sym
from PIL import Image

from mms.archive.location import Location
from mms.archive.manifest import read_manifest
from mms.archive.reader import open_model
from mms.errors import SignatureError
from mms.export_model import export_model, main
from mms.worker.loading.service_loader import build_service, load_service_class

BASE = 'from mms.model_service.mxnet_model_service import MXNetBaseService\n'
VISION = 'from mms.model_service.mxnet_vision_service import MXNetVisionService\n'
PLAIN = VISION + 'class Service(MXNetVisionService):\n    pass\n'
OWN_CONSTRUCTOR = VISION + '''
class Service(MXNetVisionService):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
'''
# The network takes rows of pixels; the service puts the signature right.
MENDED = BASE + '''
class Service(MXNetBaseService):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.signature['inputs'][0]['data_shape'] = [1, 3, 8, 8]

    def _inference(self, data):
        rows = data[0].astype('float32').transpose((0, 2, 3, 1))
        return self.mx_model.symbol.eval(data=rows)
'''
OWN_PREPROCESS = BASE + '''
import mxnet as mx
class Service(MXNetBaseService):
    def _preprocess(self, data):
        return [mx.image.imdecode(data[0]).expand_dims(0)]
'''
OWN_INFERENCE = BASE + '''
class Service(MXNetBaseService):
    def _inference(self, data):
        grey = data[0].astype('float32').mean(axis=1, keepdims=True)
        return [self.mx_model.symbol.eval(data=grey)[0]]
'''
OWN_ALL = BASE + '''
class Service(MXNetBaseService):
    def inference(self, data):
        return len(data[0])
'''
ROWS, GREY, NO_BATCH = [0, 8, 8, 3], [0, 1, 8, 8], [3, 8, 8]


@pytest.fixture
def export(tmp_path):
    """A function: exports a mean over a picture; the path of the archive."""

    def make(shape, source=None):
        folder = tmp_path / 'files'
        folder.mkdir()
        network = sym.mean(sym.var('data'), axis=tuple(range(1, len(shape))))
        network.save(str(folder / 'net-symbol.json'))
        mx.nd.save(str(folder / 'net-0000.params'), {'arg:unused': mx.nd.ones(1)})
        (folder / 'signature.json').write_text(json.dumps({
            'inputs': [{'data_name': 'data', 'data_shape': shape}], 'input_type': 'image/jpeg',
            'outputs': [], 'output_type': 'application/json', 'output_format': 'lists'}))
        path = None
        if source:
            path = tmp_path / 'my_service.py'
            path.write_text(source)
        return export_model('m', str(folder), service_file=path and str(path),
                            export_file=str(tmp_path / 'm.model'))

    return make


def start(archive, folder):
    opened = open_model('m', Location.parse(archive), str(folder))
    manifest = read_manifest(opened.model_dir)
    cls = load_service_class(f"{opened.model_dir}/{manifest['Model']['Service']}",
                             'MXNet-Symbolic')
    return build_service(cls, 'm', opened.model_dir, manifest, None)


def picture():
    file = io.BytesIO()
    Image.new('RGB', (8, 8), (40, 40, 40)).save(file, 'JPEG')
    return file.getvalue()


@pytest.mark.parametrize('shape', [ROWS, GREY, NO_BATCH])
@pytest.mark.parametrize('source', [None, PLAIN], ids=['no service file', 'a plain one'])
def test_what_no_picture_fits_is_not_exported(export, tmp_path, shape, source):
    with pytest.raises(SignatureError) as refusal:
        export(shape, source)
    assert str(refusal.value).startswith(
        f"{tmp_path / 'files'}/signature.json: the data_shape of 'data' is {shape}; a picture "
        'arrives as [batch, 3, height, width]')
    assert not (tmp_path / 'm.model').exists()


@pytest.mark.parametrize('shape', [ROWS, GREY, NO_BATCH])
def test_a_service_that_might_change_its_signature_is_warned_of_and_does_not_start(
        export, tmp_path, caplog, capsys, shape):
    archive = export(shape, OWN_CONSTRUCTOR)
    [warning] = [record.message for record in caplog.records if record.levelname == 'WARNING']
    assert f"signature.json: the data_shape of 'data' is {shape};" in warning
    assert warning.endswith('or let Service change self.signature: else the server does not start')
    with pytest.raises(SignatureError, match='^signature.json: the data_shape') as refusal:
        start(archive, tmp_path)
    assert f'is {shape};' in str(refusal.value)
    assert main(['--check', archive]) == 1
    assert f"would not serve it: signature.json: the data_shape of 'data' is {shape}" in \
        capsys.readouterr().out


@pytest.mark.parametrize(('shape', 'source', 'answer'), [
    (ROWS, MENDED, [[40]]), (ROWS, OWN_PREPROCESS, [[40]]), (GREY, OWN_INFERENCE, [[40]]),
    (NO_BATCH, OWN_ALL, len(picture())), ([0, 0, 0, 0], PLAIN, [[40]]),
], ids=['signature put right', 'own _preprocess', 'own _inference', 'own inference', 'any'])
def test_a_service_that_does_it_itself_is_left_alone(export, tmp_path, shape, source, answer):
    service = start(export(shape, source), tmp_path)
    given = service.inference([picture()])
    assert given == answer or given[0] == pytest.approx(answer[0], abs=1)

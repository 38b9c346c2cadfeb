"""The three AlexNet services, held against MXNet run directly."""

import hashlib
import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import mxnet as mx
import pytest
from mxnet.gluon.model_zoo import model_store, vision
from strict_contexts import strict_contexts

from mms.devices.device import CPU, Device
from mms.errors import BadRequest, ServiceError
from mms.worker.loading.service_loader import build_service, load_service_class

REPO = Path(__file__).parents[2]
EXAMPLE = REPO / 'examples' / 'gluon_alexnet'
PICTURE = REPO / 'examples' / 'kitten.jpg'
KITTEN = PICTURE.read_bytes()
CLASSES = {'imperative': 'MMSImperativeService', 'hybrid': 'MMSHybridService',
           'pretrained': 'MMSPretrainedAlexnet'}

# Builds the pretrained service in a process of its own: MXNet reads MXNET_HOME at import.
PRETRAINED = '''
import json, sys
from mms.errors import ServiceError
from mms.worker.loading.service_loader import build_service, load_service_class
folder, picture, sha1 = sys.argv[1:]
manifest = json.load(open(folder + '/MANIFEST.json'))
cls = load_service_class(folder + '/' + manifest['Model']['Service'], 'Gluon-Imperative')
if sha1:
    from mxnet.gluon.model_zoo import model_store
    model_store._model_sha1['alexnet'] = sha1
try:
    service = build_service(cls, 'alexnet', folder, manifest, None)
except ServiceError as error:
    sys.exit(str(error))
print(json.dumps(service.inference([open(picture, 'rb').read()])))
'''


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    """Seeded random weights of all three networks, and the network they came from."""
    mx.random.seed(20180626)
    net = vision.alexnet()
    net.initialize(mx.init.Xavier('uniform', 'in', 6))
    net(mx.nd.zeros((1, 3, 224, 224)))
    path = tmp_path_factory.mktemp('weights') / 'alexnet.params'
    net.save_parameters(str(path))
    yield path, net
    path.unlink()


@pytest.fixture
def archive(tmp_path):
    """A function: the folder of one of the three, as an extracted archive has it."""

    def make(kind, params=None):
        for name in ('signature.json', 'synset.txt', f'gluon_{kind}_alexnet.py'):
            shutil.copy(EXAMPLE / name, tmp_path)
        if params:
            (tmp_path / 'alexnet.params').symlink_to(params)
        manifest = {'Model': {
            'Model-Name': 'alexnet', 'Signature': 'signature.json', 'Symbol': '',
            'Parameters': 'alexnet.params' if params else '',
            'Service': f'gluon_{kind}_alexnet.py', 'Model-Format': 'Gluon-Imperative'}}
        (tmp_path / 'MANIFEST.json').write_text(json.dumps(manifest), 'utf-8')
        return tmp_path, manifest

    return make


def service_of(folder, manifest):
    cls = load_service_class(str(folder / manifest['Model']['Service']), 'Gluon-Imperative')
    assert cls.__name__ == CLASSES[manifest['Model']['Service'].split('_')[1]]
    return build_service(cls, 'alexnet', str(folder), manifest, None)


@pytest.mark.parametrize('kind', list(CLASSES))
def test_a_service_that_never_says_where_answers_on_another_context(
        archive, weights, kind, monkeypatch):
    path, net = weights
    monkeypatch.setattr(model_store, 'get_model_file', lambda *_, **__: str(path))
    folder, manifest = archive(kind, None if kind == 'pretrained' else path)
    cls = load_service_class(str(folder / manifest['Model']['Service']), 'Gluon-Imperative')
    service = build_service(cls, 'alexnet', str(folder), manifest, Device(CPU, 1))
    with strict_contexts() as met:
        answer = service.inference([KITTEN])
    assert met == {mx.cpu(0), mx.cpu(1)}
    assert {tuple(parameter.list_ctx())
            for parameter in service.net.collect_params().values()} == {(mx.cpu(1),)}
    assert_same(answer, expected_top5(net))


def expected_top5(net):
    pixels = mx.image.imresize(mx.image.imdecode(KITTEN), 224, 224).astype('float32') / 255
    pixels = (pixels - mx.nd.array([0.485, 0.456, 0.406])) / mx.nd.array([0.229, 0.224, 0.225])
    scores = net(pixels.transpose((2, 0, 1)).expand_dims(0)).softmax()[0].asnumpy()
    lines = (EXAMPLE / 'synset.txt').read_text('utf-8').splitlines()
    return [(lines[index].split()[1], float(scores[index])) for index in scores.argsort()[:-6:-1]]


def assert_same(answer, expected):
    assert [entry['class'] for entry in answer] == [name for name, _ in expected]
    assert [entry['probability'] for entry in answer] == pytest.approx(
        [probability for _, probability in expected], abs=1e-4)


@pytest.mark.parametrize('kind', ['imperative', 'hybrid'])
def test_the_archives_weights_answer_as_mxnet_run_directly(archive, weights, kind):
    path, net = weights
    expected = expected_top5(net)
    assert expected[0][1] - expected[4][1] > 1e-3, 'the five must be told apart'
    service = service_of(*archive(kind, path))
    assert_same(service.inference([KITTEN]), expected)
    with pytest.raises(BadRequest):
        service.inference([b'no picture'])


@pytest.mark.parametrize('kind', ['imperative', 'hybrid'])
def test_weights_that_do_not_fit_stop_the_start(archive, tmp_path, kind):
    mx.nd.save(str(tmp_path / 'few'), {'features.0.weight': mx.nd.ones((64, 3, 11, 11))})
    with pytest.raises(ServiceError, match=r'cannot be constructed: AssertionError: Parameter .* '
                                           'is missing in file') as raised:
        service_of(*archive(kind, tmp_path / 'few'))
    assert '\n' not in str(raised.value)


@pytest.mark.parametrize('kind', ['imperative', 'hybrid'])
def test_an_archive_without_weights_does_not_start(archive, kind):
    with pytest.raises(ServiceError, match='has no weights'):
        service_of(*archive(kind))


def closed_port():
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


def run_pretrained(folder, home, sha1=''):
    return subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', PRETRAINED, str(folder), str(PICTURE), sha1],
        env={'PATH': '/usr/bin:/bin', 'PYTHONPATH': str(REPO), 'MXNET_HOME': str(home),
             'MXNET_GLUON_REPO': f'http://127.0.0.1:{closed_port()}/'},
        capture_output=True, text=True, timeout=120, check=False)


def test_the_pretrained_one_says_in_one_line_that_it_cannot_download(archive, tmp_path):
    done = run_pretrained(archive('pretrained')[0], tmp_path / 'home')
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == 1, done.stderr
    assert re.match(re.escape(f'{tmp_path}/gluon_pretrained_alexnet.py:')
                    + r'\d+: MMSPretrainedAlexnet', lines[0])
    assert 'ConnectionError: cannot download http://127.0.0.1:' in lines[0]
    assert lines[0].endswith('alexnet-44335d1f.zip: Connection refused: check the network')
    assert done.stdout == ''
    assert not list((tmp_path / 'home' / 'models').iterdir())


def test_a_cached_file_with_other_weights_is_not_taken(archive, tmp_path):
    cache = tmp_path / 'home' / 'models'
    cache.mkdir(parents=True)
    mx.nd.save(str(cache / 'alexnet-44335d1f.params'), {'features.0.weight': mx.nd.ones(1)})
    done = run_pretrained(archive('pretrained')[0], tmp_path / 'home')
    assert done.returncode == 1
    assert 'Mismatch in the content of model file detected' in done.stderr
    assert done.stderr.splitlines()[-1].endswith(
        'alexnet-44335d1f.zip: Connection refused: check the network')


def test_from_mxnets_cache_the_pretrained_one_answers_as_mxnet_run_directly(archive, weights,
                                                                             tmp_path):
    """All of the model zoo's path but the download: the real weights cannot be had
    without a network, so the zoo is told the checksum of the seeded ones.
    """
    path, net = weights
    cache = tmp_path / 'home' / 'models'
    cache.mkdir(parents=True)
    sha1 = hashlib.sha1(path.read_bytes()).hexdigest()
    (cache / f'alexnet-{sha1[:8]}.params').symlink_to(path)
    done = run_pretrained(archive('pretrained')[0], tmp_path / 'home', sha1)
    assert done.returncode == 0, done.stderr
    assert_same(json.loads(done.stdout), expected_top5(net))

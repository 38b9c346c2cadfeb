"""The tutorial's commands as printed: export, serve, ask; numbers from MXNet run directly."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import mxnet
import numpy as np
import pytest
from harness import KITTEN, REPO, Server

pytestmark = pytest.mark.core

EXAMPLE = REPO / 'examples' / 'gluon_alexnet'
BIN = Path(sys.executable).parent
NETWORKS = {'imperative': 'ImperativeAlexNet', 'hybrid': 'GluonHybridAlexNet'}


def load_example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLE / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seeded_network(kind):
    mxnet.random.seed(7)
    network = getattr(load_example(f'gluon_{kind}_alexnet'), NETWORKS[kind])()
    network.initialize(mxnet.init.Xavier(magnitude=6))
    network(mxnet.nd.zeros((1, 3, 224, 224)))
    return network


def direct_top5(network):
    """The tutorial's steps, in MXNet alone."""
    pixels = mxnet.image.imresize(mxnet.img.imdecode(KITTEN.read_bytes()), 224, 224)
    pixels = mxnet.image.color_normalize(
        pixels.astype(np.float32) / 255, mean=mxnet.nd.array([0.485, 0.456, 0.406]),
        std=mxnet.nd.array([0.229, 0.224, 0.225]))
    batch = mxnet.nd.transpose(pixels, (2, 0, 1)).expand_dims(axis=0)
    row = network(batch).softmax().asnumpy()[0]
    labels = (EXAMPLE / 'synset.txt').read_text().splitlines()
    return [{'class': labels[i].split()[1], 'probability': row[i]} for i in np.argsort(-row)[:5]]


def export(folder, kind, *words):
    """``mxnet-model-export`` with the tutorial's flags, in an empty folder."""
    models = folder / 'models'
    models.mkdir()
    service = f'gluon_{kind}_alexnet.py'
    for name in (service, 'synset.txt', 'signature.json'):
        shutil.copy(EXAMPLE / name, models)
    return models, [
        str(BIN / 'mxnet-model-export'), f'--model-name={kind}-alexnet',
        f'--model-path={models}', f'--service-file-path={models / service}', *words]


@pytest.mark.parametrize('kind', ['imperative', 'hybrid'])
def test_the_tutorial_s_model_is_exported_served_and_right(tmp_path, kind):
    network = seeded_network(kind)
    expected = direct_top5(network)
    models, command = export(tmp_path, kind, '--model-type=imperative')
    network.save_parameters(str(models / 'alexnet.params'))
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    server = Server(tmp_path / 'server', [
        '--models', f'alexnet={tmp_path / f"{kind}-alexnet.model"}'])
    try:
        server.wait_until_up()
        answer = subprocess.run(
            ['curl', '-s', '-X', 'POST', f'{server.url}/alexnet/predict', '-F', 'data=@kitten.jpg'],
            cwd=KITTEN.parent, check=True, capture_output=True, timeout=60)
    finally:
        server.stop()
    served = json.loads(answer.stdout)['prediction']
    assert [item['class'] for item in served] == [item['class'] for item in expected]
    for item, other in zip(served, expected):
        assert item['probability'] == pytest.approx(other['probability'], abs=1e-4)


def test_the_pretrained_model_without_a_network_is_one_clear_line(tmp_path):
    _, command = export(tmp_path, 'pretrained', '--model-type=imperative')
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    server = Server(tmp_path / 'server', [
        '--models', f'alexnet={tmp_path / "pretrained-alexnet.model"}'],
        env={'MXNET_GLUON_REPO': 'http://127.0.0.1:9/', 'MXNET_HOME': str(tmp_path / 'home')})
    assert server.wait(120) == 1
    [line] = [line for line in server.stderr.splitlines()
              if line.startswith('mxnet-model-server: ')]
    assert 'model alexnet' in line
    assert 'cannot download' in line
    assert 'Traceback' not in server.stderr
    assert list(server.temporary.iterdir()) == []

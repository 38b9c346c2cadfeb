"""PyTorch's exports, packed by mxnet-model-export, served, and asked with curl."""

import json
import subprocess
import sys

import numpy as np
import pytest
from extras import onnx, onnxruntime  # noqa: F401  of what is compared with
from harness import KITTEN, REPO
from onnx_compare import TOLERANCE, difference, open_session
from onnx_sources import fixtures

from mms.utils.mxnet import image

CLASSES = ['ash', 'birch', 'cedar', 'elm', 'fir']
SENTENCES = [[3, 1, 4, 1, 5, 9, 2, 6, 5]]


def signature(input_type, shape, outputs):
    return {'inputs': [{'data_name': 'input0', 'data_shape': shape}], 'input_type': input_type,
            'outputs': [{'data_name': 'output0', 'data_shape': outputs}],
            'output_type': 'application/json'}


@pytest.fixture
def pack(tmp_path):
    """Pack a fixture with the command; its archive, and the model in onnxruntime."""

    def pack(name, file, written, labels=()):
        folder = tmp_path / name
        folder.mkdir()
        model = folder / f'{name}.onnx'
        for source in fixtures([name]):
            if source.path.stem == file:
                source.path.rename(model)
        (folder / 'signature.json').write_text(json.dumps(written))
        if labels:
            (folder / 'synset.txt').write_text('\n'.join(labels))
        subprocess.run([sys.executable, '-m', 'mms.export_model', '--model-name', name,
                        '--model-path', folder], cwd=tmp_path, check=True,
                       env={'PYTHONPATH': str(REPO), 'PATH': '/usr/bin:/bin'})
        return tmp_path / f'{name}.model', open_session(model)

    return pack


def curl(server, name, *words):
    answer = subprocess.run(['curl', '-sS', '-X', 'POST', f'{server.url}/{name}/predict', *words],
                            capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)['prediction']


def test_pictures_and_texts_are_answered_as_by_onnxruntime(pack, serve):
    pictures, vision = pack('residual', 'residual-traced-17',
                            signature('image/jpeg', [0, 3, 12, 12], [0, 5]), CLASSES)
    texts, language = pack('text_cnn', 'text_cnn-compiled-20',
                           signature('application/json', [0, 9], [0, 3]))
    server = serve('--models', f'trees={pictures}', f'mood={texts}')

    [answer] = curl(server, 'trees', '-F', f'input0=@{KITTEN};type=image/jpeg')
    pixels = image.transform_shape(image.resize(image.read(KITTEN.read_bytes()), 12, 12))
    [[scores]] = vision.run(None, {'input0': pixels.asnumpy().astype('float32')})
    best = np.argsort(-scores)
    assert [entry['class'] for entry in answer] == [CLASSES[number] for number in best]
    given = np.array([entry['probability'] for entry in answer])
    assert difference(given, scores[best]) <= TOLERANCE

    [text] = curl(server, 'mood', '-F', f'input0={json.dumps(SENTENCES)}')
    [expected] = language.run(None, {'input0': np.array(SENTENCES)})
    assert difference(np.array(json.loads(text)), expected) <= TOLERANCE

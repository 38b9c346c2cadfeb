"""Mistakes of a service's author are in the log once the model is up, and stop nothing."""

import json

import mxnet as mx
from harness import KITTEN, write_archive

from mms.export_model import export_model

SERVICE = '''
from mms.model_service.mxnet_vision_service import MXNetVisionService


class Mine(MXNetVisionService):
    def preprocess(self, data):
        return data
'''


def test_a_start_tells_what_nobody_would_see(serve, tmp_path):
    folder = tmp_path / 'net'
    folder.mkdir()
    data = mx.sym.var('data')
    scores = mx.sym.FullyConnected(mx.sym.flatten(data), num_hidden=4, name='fc')
    scores.save(str(folder / 'net-symbol.json'))
    mx.nd.save(str(folder / 'net-0000.params'), {'arg:fc_weight': mx.nd.ones((4, 192)) / 1000,
                                                 'arg:fc_bias': mx.nd.arange(4)})
    (folder / 'signature.json').write_text(json.dumps({
        'inputs': [{'data_name': 'data', 'data_shape': [0, 3, 8, 8]}],
        'outputs': [{'data_name': 'fc', 'data_shape': [0, 4]}],
        'input_type': 'image/jpeg', 'output_type': 'application/json'}))
    (folder / 'synset.txt').write_text('a\nb\nc\n')
    (folder / 'mine.py').write_text(SERVICE)
    archive = export_model('net', str(folder), 'mine.py', str(tmp_path / 'net.model'))
    server = serve('--models', f'net={archive}')
    with open(KITTEN, 'rb') as picture:
        answer = server.post('net', files={'data': ('k.jpg', picture, 'image/jpeg')})
    assert len(answer.json()['prediction'][0]) == 3
    told = [line.partition(' Model net: ')[2] for line in server.log.splitlines()
            if line.startswith('[WARNING') and '.py:' in line]
    assert [line for line in told if 'mine.py:' in line][:1] == [
        'mine.py:6: Mine.preprocess is never called: the hook is _preprocess']
    about_labels, about_sum = [line for line in told if line.startswith('mine.py:5: ')]
    assert about_labels == ("mine.py:5: there are 3 labels (synset.txt, or self.labels), and "
                            "output 'fc' has 4 classes: classes without one are never answered")
    assert "output 'fc' is answered as probabilities, but it sums to" in about_sum


def test_a_service_without_mistakes_is_started_without_a_warning(serve, tmp_path):
    server = serve('--models', f'm={write_archive(tmp_path, "m")}')
    assert '[WARNING' not in server.log

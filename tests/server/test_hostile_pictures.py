"""A server that is sent pictures which cannot be decoded, or cost too much."""

import base64
import time

import pytest
import requests
from harness import FIXTURES, write_archive
from hostile_pictures import costly, head, undecodable

VISION = FIXTURES / 'a2_vision.model'
# A picture within JSON, decoded by the service.
SOURCE = '''
import base64

import mxnet as mx
from mms.model_service.model_service import SingleNodeService


class Service(SingleNodeService):
    signature = None

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        self.signature = {'inputs': [{'data_name': 'data', 'data_shape': [0]}],
                          'outputs': [], 'input_type': 'application/json',
                          'output_type': 'application/json'}

    def ping(self):
        return 'fine'

    def _preprocess(self, data):
        return mx.image.imdecode(base64.b64decode(data[0][0]))

    def _inference(self, data):
        return data

    def _postprocess(self, data):
        return data.asnumpy().tolist()
'''


@pytest.fixture
def server(serve):
    return serve('--models', f'vision={VISION}', '--workers', '1')


def post(server, data):
    return requests.post(f'{server.url}/vision/predict', timeout=60,
                         files={'picture': ('picture.png', data, 'image/jpeg')})


def test_a_png_without_pixels_is_refused_each_time(server):
    workers = [process.pid for process in server.workers()]
    for _ in range(6):
        answer = post(server, head())
        assert answer.status_code == 400
        assert answer.json()['message'] == (
            'Input data for request argument: picture is not correct. its picture cannot be read '
            '(the PNG ends before its pixels).')
    for data in undecodable().values():
        assert post(server, data).status_code == 400
    good = (FIXTURES / 'img' / 'wide.jpg').read_bytes()
    assert post(server, good).status_code == 200
    assert [process.pid for process in server.workers()] == workers


def test_pictures_that_would_cost_minutes_and_gigabytes_cost_neither(server):
    for name, data in costly().items():
        began = time.monotonic()
        assert post(server, data).status_code == (200 if '8 MB' in name else 400), name
        assert time.monotonic() - began < 10, name


def test_a_service_that_decodes_pictures_of_its_own_cannot_be_given_memory(serve, tmp_path):
    archive = write_archive(tmp_path, 'json', source=SOURCE)
    server = serve('--models', f'json={archive}', '--workers', '1')
    text = base64.b64encode(head()).decode()
    for _ in range(6):
        answer = requests.post(f'{server.url}/json/predict', timeout=60,
                               data={'data': f'["{text}"]'})
        assert (answer.status_code, answer.json()['message']) == (
            400, 'The bytes sent are no picture that can be decoded.')

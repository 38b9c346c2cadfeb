"""What a server does with a model before, and with, its first requests."""

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import PICTURES, TENSORS, Server, write_archive

# Notes each run of a hook, with the rows that it was given.
COUNTED = '''
import os, time
import numpy as np
from mms.model_service.model_service import SingleNodeService

NOTES = os.path.join({folder!r}, 'notes')


def note(hook, rows):
    with open(NOTES, 'a') as file:
        file.write(f'{{hook}} {{rows}}\\n')


class Counted(SingleNodeService):
    signature = {{'inputs': [{{'data_name': 'data', 'data_shape': [0, 2]}}], 'outputs': [],
                 'input_type': 'application/json', 'output_type': 'application/json'}}

    def _preprocess(self, data):
        note('preprocess', 1)
        return np.array(data[0], dtype='float64')

    def _inference(self, data):
        note('inference', len(data))
        time.sleep(0.002)
        return data * 2

    def _postprocess(self, data):
        note('postprocess', 1)
        return data.tolist()
'''

VISION = '''
from mms.model_service.mxnet_vision_service import MXNetVisionService
import mxnet as mx


class Flowers(MXNetVisionService):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.net = mx.gluon.nn.Dense(3)
        self.net.initialize()
'''
PICKY = VISION + '''
    def _preprocess(self, data):
        raise ValueError('no face in the picture')
'''


@pytest.fixture
def start(tmp_path):
    servers = []

    def start(source, *words, signature=TENSORS):
        archive = write_archive(tmp_path, 'm', source=source, signature=signature)
        servers.append(Server(tmp_path, ['--models', f'm={archive}', '--workers', '1', *words]))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def noted(tmp_path):
    return [line.split() for line in (tmp_path / 'notes').read_text().splitlines()]


@pytest.mark.parametrize('pictures_differ', [False, True])
def test_clients_with_boundaries_of_their_own_earn_batches_and_their_hooks_run_once(
        start, tmp_path, pictures_differ):
    server = start(COUNTED.format(folder=str(tmp_path))).wait_until_up()
    (tmp_path / 'notes').write_text('')

    def ask(number):
        row = [[number if pictures_differ else 1, 2]]
        # A part, so that `requests` makes a multipart form, with a new boundary each time.
        reply = server.post('m', files={'data': (None, json.dumps(row))})
        return reply.status_code, reply.json()['prediction'], [[2.0 * row[0][0], 4.0]]

    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(ask, range(64)))
    assert all(status == 200 and got == expected for status, got, expected in answers)
    runs = Counter(hook for hook, _ in noted(tmp_path))
    assert (runs['preprocess'], runs['postprocess']) == (64, 64)
    assert runs['inference'] < 64
    # Batches beyond those of the trials, which are of four at most.
    assert max(int(rows) for hook, rows in noted(tmp_path) if hook == 'inference') > 4


def test_a_model_that_cannot_answer_stops_the_start_and_says_why_and_where(start):
    server = start(VISION, signature=PICTURES)
    assert server.wait() == 1
    [line] = server.stderr.strip().splitlines()[-1:]
    assert line.startswith('mxnet-model-server: model m from ')
    assert 'it cannot answer: with a made-up request, ' in line
    assert re.search(r'labelled\.py:\d+: Flowers has no labels', line)
    assert 'Traceback' not in server.stderr


def test_a_hook_that_refuses_what_is_made_up_is_told_of_and_the_model_served(start):
    server = start(PICKY, signature=PICTURES).wait_until_up()
    [line] = [line for line in server.log.splitlines() if 'is not warmed up' in line]
    assert 'WARNING' in line
    assert re.search(r'with a made-up request, service\.py:13: ValueError: no face in the '
                     r'picture', line)
    assert '"sample"' in line
    assert '--check' in line
    assert 'the model has not answered what could be made up' in server.stdout
    assert server.get('/ping').status_code == 200


def test_with_strict_such_a_model_stops_the_start(start):
    server = start(PICKY, '--strict', signature=PICTURES)
    assert server.wait() == 1
    assert re.search(r'it does not answer a made-up request \(--strict\): service\.py:13: '
                     r'ValueError: no face', server.stderr.strip().splitlines()[-1])

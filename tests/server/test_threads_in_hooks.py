"""Services whose hooks use MXNet from threads and processes of their own."""

import json
import tempfile
import time

import numpy as np
import pytest
from harness import write_archive

REQUESTS = 100
# A product large enough that OpenBLAS takes several threads for it.
SIZE = 96
SIGNATURE = {'input_type': 'application/json', 'output_type': 'application/json',
             'inputs': [{'data_name': 'data', 'data_shape': [0]}], 'outputs': []}
SOURCE = f'''
from concurrent.futures import ThreadPoolExecutor

import mxnet as mx
import numpy as np
from mxnet import gluon

from mms.model_service.model_service import SingleNodeService

TABLE = np.random.RandomState(0).normal(size=({SIZE}, {SIZE})).astype('float32')


def product(number):
    return float(mx.nd.dot(mx.nd.array(TABLE) * number, mx.nd.array(TABLE)).sum().asscalar())


class Service(SingleNodeService):
    signature = {SIGNATURE!r}

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        CONSTRUCTOR

    def _preprocess(self, data):
        return [float(number) for number in np.ravel(data[0])]

    def _inference(self, numbers):
        HOOK

    def _postprocess(self, data):
        return data
'''
BEGUN = 'self.pool = ThreadPoolExecutor(2); self.pool.submit(int).result()'
POOL = 'return [product(numbers[0]), *self.pool.map(product, numbers)]'
LAZY = 'self.pool = getattr(self, "pool", None) or ThreadPoolExecutor(2); ' + POOL
# A convolution in the hook, and again in the processes that the hook forks.
LOADER = '''product(1.)
        net = gluon.nn.Conv2D(16, 3, in_channels=8)
        net.initialize(mx.init.One())
        for _ in range(2):
            net(mx.nd.ones((1, 8, 64, 64))).wait_to_read()
        loader = gluon.data.DataLoader(gluon.data.ArrayDataset(mx.nd.array(numbers)).transform(
            lambda number: net(number * mx.nd.ones((1, 8, 64, 64)) / 72)[0, 0]), 1, num_workers=2,
            thread_pool={}, timeout=20)
        return [product(batch[0, 0, 0].asscalar()) for batch in loader]'''
TABLE = np.random.RandomState(0).normal(size=(SIZE, SIZE)).astype('float32')
TOTAL = float((TABLE.astype('float64') @ TABLE).sum())


@pytest.fixture
def short_folder():
    """For sockets of multiprocessing: their paths have 107 characters at most."""
    with tempfile.TemporaryDirectory() as folder:
        yield folder


def served(serve, folder, constructor, hook, workers, **options):
    source = SOURCE.replace('CONSTRUCTOR', constructor).replace('HOOK', hook)
    archive = write_archive(folder, 'm', source=source, signature=SIGNATURE)
    return serve('--models', f'm={archive}', '--workers', workers, '--request-timeout', 30,
                 **options)


def assert_answers(server, requests, first_again):
    for turn in range(requests):
        numbers = [float(turn % 7 + 1), 2.0, 3.0, 4.0]
        answer = server.post_text('m', json.dumps(numbers))
        assert answer.status_code == 200, answer.text
        wanted = [TOTAL * number for number in [*numbers[:first_again], *numbers]]
        assert answer.json()['prediction'] == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize('workers', [1, 2])
def test_a_pool_of_threads_that_the_constructor_began_computes(serve, tmp_path, workers):
    began = time.monotonic()
    server = served(serve, tmp_path, BEGUN, POOL, workers)
    assert time.monotonic() - began < 60
    assert 'is not forked: its constructor started' in server.log
    assert_answers(server, REQUESTS, 1)


@pytest.mark.parametrize('workers', [1, 2])
def test_a_pool_of_threads_that_a_hook_makes_computes(serve, tmp_path, workers):
    assert_answers(served(serve, tmp_path, 'pass', LAZY, workers), REQUESTS, 1)


@pytest.mark.parametrize('constructor', ['pass', BEGUN])
@pytest.mark.parametrize('threads', [True, False])
def test_a_data_loader_with_workers_computes_in_a_hook(
        serve, tmp_path, short_folder, threads, constructor):
    server = served(serve, tmp_path, constructor, LOADER.format(threads), 1,
                    env={'TMPDIR': short_folder})
    assert_answers(server, 5, 0)

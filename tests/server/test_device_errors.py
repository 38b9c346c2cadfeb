"""A device that fails during a request ends its worker, not the service.

There is no GPU here: the service raises MXNet's own error class with the words that CUDA has for
it, as MXNet puts them. Nothing of CUDA runs, so what a real card leaves of a process is not shown.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import TENSORS, until, write_archive

PAIR = {**TENSORS, 'inputs': [{'data_name': 'data', 'data_shape': [0, 2]}]}
SOURCE = '''
import os
import mxnet as mx
from mms.model_service.mxnet_model_service import MXNetBaseService

ILLEGAL = ('Traceback (most recent call last):\\n  File "../src/stream_gpu-inl.h", line 62\\n'
           'MXNetError: Check failed: e == cudaSuccess: CUDA: an illegal memory access was '
           'encountered')
FULL = ('Traceback (most recent call last):\\n  File "../src/storage/pooled.h", line 161\\n'
        'MXNetError: cudaMalloc retry failed: out of memory')


class Service(MXNetBaseService):
    """It stands for one on a GPU, which fails over some requests."""

    batchable = {batchable}

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        super().__init__(model_name, model_dir, manifest, gpu)

    def _inference(self, data):
        first = data[0][:, 0].asnumpy().tolist()
        if 7.0 in first:
            raise mx.base.MXNetError(ILLEGAL)
        if 8.0 in first:
            raise mx.base.MXNetError(FULL)
        return data[0] * 2

    def _postprocess(self, data):
        # What differs from process to process keeps requests from running together.
        return [0 if self.batchable else os.getpid(), *data[0].asnumpy().tolist()]
'''


@pytest.fixture
def failing(serve, tmp_path):
    archive = write_archive(tmp_path, 'm', signature=PAIR, source=SOURCE.format(batchable=False))
    return serve('--models', f'm={archive}', '--device', 'cpu:0', '--workers', '1')


def pid_of(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()['prediction'][0]


def test_a_device_that_fails_is_answered_once_and_its_worker_is_replaced(failing):
    before = pid_of(failing.post_text('m', '[[1, 2]]'))
    answer = failing.post_text('m', '[[7, 2]]')
    assert answer.status_code == 500
    assert answer.json()['message'].startswith('Error occurs while inference was executed')
    # The next request waits for the new worker.
    assert pid_of(failing.post_text('m', '[[1, 2]]')) != before
    assert failing.get('/ping').status_code == 200
    until(lambda: f'Worker {before} of model m on cpu:0 died; it is being replaced.' in failing.log)
    assert len(re.findall('an illegal memory access', failing.log)) == 2, 'traceback, and the end'
    assert re.search(r'The device failed.*illegal memory access', failing.log)


def test_memory_that_does_not_suffice_is_answered_by_a_worker_that_stays(failing):
    before = pid_of(failing.post_text('m', '[[1, 2]]'))
    assert failing.post_text('m', '[[8, 2]]').status_code == 500
    assert pid_of(failing.post_text('m', '[[1, 2]]')) == before


def test_what_ran_together_with_it_is_answered_by_another_worker(serve, tmp_path):
    archive = write_archive(tmp_path, 'm', signature=PAIR, source=SOURCE.format(batchable=True))
    server = serve('--models', f'm={archive}', '--device', 'cpu:0', '--workers', '1',
                   '--batch-size', '4', '--max-batch-delay', '2000')
    with ThreadPoolExecutor(4) as pool:
        texts = ['[[1, 2]]', '[[2, 2]]', '[[7, 2]]', '[[3, 2]]']
        answers = list(pool.map(lambda text: server.post_text('m', text), texts))
    assert [answer.status_code for answer in answers] == [200, 200, 500, 200]
    assert [answer.json()['prediction'][1:] for answer in (*answers[:2], answers[3])] == [
        [2.0, 4.0], [4.0, 4.0], [6.0, 4.0]]
    assert answers[2].json()['message'].startswith('Error occurs while inference was executed')
    # Together, and once more alone: twice it ended a worker.
    until(lambda: server.log.count('The device failed') == 2)

"""Workers on devices of their own. ``mx.cpu(0)`` and ``mx.cpu(1)`` stand for two GPUs."""

import os
import re
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from harness import TENSORS, until, write_archive

PAIR = {**TENSORS, 'inputs': [{'data_name': 'data', 'data_shape': [0, 2]}]}
NAIVE = '''
import os, time
import mxnet as mx
from mms.model_service.mxnet_model_service import MXNetBaseService


class Naive(MXNetBaseService):
    """It never says where anything is."""

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        super().__init__(model_name, model_dir, manifest, gpu)
        {constructor}
        self.net = mx.gluon.nn.Dense(1, use_bias=False)
        self.net.initialize(mx.init.One())

    def _inference(self, data):
        time.sleep(0.05)
        return self.net(data[0]) + mx.nd.ones((1, 1))

    def _postprocess(self, data):
        [weight] = self.net.collect_params().values()
        return [str(self.ctx), str(data.context), str(weight.list_ctx()), os.getpid(),
                float(data[0].asscalar())]
'''


def naive(folder, name='m', constructor='pass'):
    return write_archive(folder, name, signature=PAIR,
                         source=NAIVE.format(constructor=constructor))


def met(server, model='m', requests=8):
    """Context -> pids of the workers that answered there, all of them as they should."""
    with ThreadPoolExecutor(requests) as pool:
        answers = list(pool.map(lambda _: server.post_text(model, '[[2, 3]]'), range(requests)))
    found = {}
    for answer in answers:
        ctx, output, weights, pid, number = answer.json()['prediction']
        assert (output, weights, number) == (ctx, f'[{ctx}]', 6.0)
        found.setdefault(ctx, set()).add(pid)
    return found


def test_workers_take_turns_on_devices_and_keep_theirs_when_replaced(serve, tmp_path):
    archive = naive(tmp_path)
    server = serve('--models', f'm={archive}', f'one={archive}', f'plain={archive}',
                   '--device', 'cpu:0,cpu:1', 'one=cpu:3', 'plain=cpu', '--workers', '3',
                   'one=1', '--batch-size', '1')
    assert 'Model m is loaded' in server.log
    assert re.search(r'Model m is .* 3 workers of 1 thread \(2 on cpu:0, 1 on cpu:1\)', server.log)
    assert re.search(r'Model one is .*\(on cpu:3\)', server.log)
    assert met(server, 'one').keys() == {'cpu(3)'}
    assert met(server, 'plain').keys() == {'cpu(0)'}
    # Those of the plain model are forked; each of the others is started on its own.
    assert len(server.templates('plain')) == 1
    assert {process.ppid() for process in server.loaded('m')} == {server.pid}
    before = met(server)
    assert {ctx: len(pids) for ctx, pids in before.items()} == {'cpu(0)': 2, 'cpu(1)': 1}
    [pid] = before['cpu(1)']
    psutil.Process(pid).kill()
    until(lambda: 'has a new worker' in server.log)
    until(lambda: f'Worker {pid} of model m on cpu:1 died; it is being replaced. '
                  'How it ended: signal 9, SIGKILL.' in server.log)
    after = met(server)
    assert {ctx: len(pids) for ctx, pids in after.items()} == {'cpu(0)': 2, 'cpu(1)': 1}
    assert after['cpu(0)'] == before['cpu(0)']
    assert after['cpu(1)'] != before['cpu(1)']


def test_a_worker_that_has_served_enough_is_replaced_on_its_device(serve, tmp_path):
    server = serve('--models', f'm={naive(tmp_path)}', '--device', 'cpu:1,cpu:2',
                   '--max-requests-per-worker', '4', '--batch-size', '1')
    before = met(server)
    until(lambda: len(re.findall(r'of model m on cpu:[12] is replaced after', server.log)) >= 2)
    assert before.keys() == {'cpu(1)', 'cpu(2)'}

    def all_new():
        now = met(server, requests=2)
        return now.keys() == before.keys() and all(now[ctx] != before[ctx] for ctx in now)

    until(all_new)


def fails(launch, *words, status=1):
    server = launch(*words)
    assert server.wait(120) == status, server.stderr
    assert 'Traceback' not in server.stderr
    assert os.listdir(server.folder) == ['tmp']
    assert os.listdir(server.temporary) == []
    return server.stderr.strip().splitlines()


def test_a_device_that_fails_at_the_start_is_named(launch, tmp_path):
    archive = naive(tmp_path, constructor='assert self.ctx != mx.cpu(1), "out of memory"')
    [line] = [line for line in fails(launch, '--models', f'm={archive}', '--device',
                                     'cpu:0,cpu:1') if line.startswith('mxnet-model-server')]
    assert 'model m from ' in line
    assert 'cannot be served: on cpu:1: service.py:' in line
    assert ': Naive cannot be constructed: ' in line
    assert 'out of memory' in line


@pytest.mark.parametrize('words', [
    ['--gpu', '7'], ['--device', 'm=gpu:0']])
def test_a_gpu_that_is_not_there_is_one_line_before_anything_is_fetched(launch, words):
    import mxnet as mx
    if mx.runtime.Features().is_enabled('CUDA'):
        pytest.skip('this MXNet is built for GPUs')
    [line] = fails(launch, '--models', 'm=http://127.0.0.1:9/m.model', *words)
    assert line.startswith(f'mxnet-model-server: {" ".join(words)}: MXNet sees no GPU: ')
    assert 'it is built without CUDA' in line


def test_a_flag_without_any_device_is_argparses(launch):
    assert '--gpu: expected at least one argument' in fails(
        launch, '--gpu', '--models', 'm=x', status=2)[-1]

"""Nets in their fastest form: the same answers, and nothing changed where it is not kept."""

import json
import subprocess
import sys
import textwrap

import mxnet as mx
import numpy as np
import pytest
from harness import REPO
from mxnet.gluon import Block, HybridBlock, nn

from mms.worker.batches.compare import same
from mms.worker.warm_up import fusion
from mms.worker.warm_up.graph_plan import PlannedForward


class Service:
    def __init__(self, net):
        self.net = net

    def _inference(self, data):
        return self.net(*data)


class Residual(HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.conv, self.norm = nn.Conv2D(8, 3, padding=1, use_bias=False), nn.BatchNorm()
            self.drop = nn.Dropout(0.5)

    def hybrid_forward(self, F, x):
        return self.drop(F.relu(F.broadcast_add(self.norm(self.conv(x)),
                                               F.mean(x, axis=1, keepdims=True))))


class TwoInTwoOut(HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.body = Residual()

    def hybrid_forward(self, F, x, y):
        return [self.body(x), [self.body(y), x + y]]


class Tuples(TwoInTwoOut):
    def hybrid_forward(self, F, x, y):
        one, two = super().hybrid_forward(F, x, y)
        return one, tuple(two)


class Counting(Residual):
    calls = 0

    def hybrid_forward(self, F, x):
        self.calls += 1
        return super().hybrid_forward(F, x)


class Lying(Residual):
    """As a graph it computes something else."""

    def hybrid_forward(self, F, x):
        return super().hybrid_forward(F, x) * (1 if F is mx.nd else 2)


class Unhybridizable(Residual):
    def hybrid_forward(self, F, x):
        return super().hybrid_forward(F, x) * float(x.mean().asscalar())


class Noisy(Residual):
    def hybrid_forward(self, F, x):
        return super().hybrid_forward(F, x) + F.random.uniform(shape=(1,))


class OwnForward(Residual):
    def forward(self, x):
        return super().forward(x)


class Plain(Block):
    def __init__(self):
        super().__init__()
        self.body = Residual()

    def forward(self, x):
        return self.body(x)


def picture(size, side=12):
    return mx.nd.random.uniform(shape=(size, 3, side, side))


def ready(net):
    net.initialize(mx.init.Xavier())
    return net


def batches(*sizes, inputs=1):
    return {size: [picture(size) for _ in range(inputs)] for size in sizes}


@pytest.fixture
def any_gain(monkeypatch):
    """Small nets gain nothing to speak of, and what they gain is noise."""
    monkeypatch.setattr(fusion, 'NEEDED_GAIN', 0.0)
    monkeypatch.setattr(fusion, 'NEEDED_GAIN_HEAVY', 0.0)


@pytest.mark.usefixtures('any_gain')
@pytest.mark.parametrize(('kind', 'inputs'), [(Residual, 1), (TwoInTwoOut, 2), (Tuples, 2)])
@pytest.mark.parametrize('flags', [None, {}, {'static_alloc': True, 'static_shape': True}])
def test_a_fused_net_answers_as_before_at_every_shape(kind, inputs, flags):
    service = Service(ready(kind()))
    if flags is not None:
        service.net.hybridize(**flags)
    samples = [[picture(*shape) for _ in range(inputs)] for shape in
               [(1,), (4,), (3,), (4, 20), (1,), (2, 8)]]
    samples[0][0][:] = 0
    expected = [service._inference(sample) for sample in samples]
    (line,) = fusion.fuse(service, batches(1, 4, inputs=inputs))
    assert 'batch 1: fused (MKLDNN)' in line
    assert 'batch 4: fused (MKLDNN)' in line
    assert isinstance(vars(service.net)['forward'], PlannedForward)
    assert same(expected, [service._inference(sample) for sample in samples])


@pytest.mark.usefixtures('any_gain')
def test_an_answer_outlives_the_next_one():
    service = Service(ready(Residual()))
    fusion.fuse(service, batches(1))
    first = service._inference([picture(1)])
    kept = first.asnumpy().copy()
    service._inference([picture(1)])
    assert same(kept, first.asnumpy())


@pytest.mark.usefixtures('any_gain')
def test_training_and_tracing_run_the_net_itself():
    service = Service(ready(Residual()))
    fusion.fuse(service, batches(1))
    data = picture(1)
    data.attach_grad()
    with mx.autograd.record():
        service.net(data).sum().backward()
    assert np.abs(data.grad.asnumpy()).max() > 0
    assert isinstance(service.net(mx.sym.var('data')), mx.sym.Symbol)


@pytest.mark.usefixtures('any_gain')
@pytest.mark.parametrize(('kind', 'why'), [
    (Counting, 'its forward changes its attributes'), (Lying, 'other answers when fused'),
    (Unhybridizable, 'asscalar is not implemented for Symbol'), (Noisy, 'its answers vary'),
    (OwnForward, 'it has a forward of its own'), (Plain, 'a plain Block, not a HybridBlock')])
def test_a_net_that_cannot_be_fused_is_as_it_was(kind, why):
    service = Service(ready(kind()))
    service._inference([picture(1)])
    before = dict(vars(service.net))
    before.pop('calls', None)
    (line,) = fusion.fuse(service, batches(1, 4))
    assert line.startswith('net: left as it is: ')
    assert why in line
    assert {name: value for name, value in vars(service.net).items() if name != 'calls'} == before


def test_a_float16_net_and_one_with_hooks_are_left():
    half = ready(Residual())
    half.cast('float16')
    hooked = ready(Residual())
    hooked.conv.register_forward_hook(lambda *_: None)
    for net, why in (half, 'float32'), (hooked, 'hooks'):
        assert why in fusion.fuse(Service(net), batches(1))[0]
        assert 'forward' not in vars(net)


def test_a_form_that_wins_too_little_is_not_kept(monkeypatch):
    monkeypatch.setattr(fusion, 'NEEDED_GAIN', 1e9)
    monkeypatch.setattr(fusion, 'NEEDED_GAIN_HEAVY', 1e9)
    service = Service(ready(Residual()))
    assert 'left as it is (fused' in fusion.fuse(service, batches(1))[0]
    assert 'forward' not in vars(service.net)


def test_no_time_no_attempt_and_no_exception():
    service = Service(ready(Residual()))
    assert fusion.fuse(service, batches(1), budget_s=0.0) == ['net: left as it is: no time to try']
    service._inference = None
    assert 'TypeError' in fusion.fuse(service, batches(1))[0]
    assert fusion.fuse(object(), batches(1)) == []


IN_FORKS = textwrap.dedent('''
    import ctypes, json, os, sys, threading, time
    from mms import mxnet_compat; mxnet_compat.prepare()
    import mxnet as mx
    from mms.worker.warm_up import fusion
    from mms.runtime.private_memory import private_bytes
    class Service:
        def _inference(self, data):
            return self.net(data[0])
    def private_mb():
        return private_bytes() / 2**20
    def template():
        mx.random.seed(7)
        service.net = mx.gluon.model_zoo.vision.resnet18_v1()
        service.net.initialize(mx.init.Xavier())
        for size in samples:
            expected[size] = service._inference(samples[size]).asnumpy()
        for threads in (1, 2):
            lines.extend(fusion.fuse(service, samples, threads=threads, budget_s=30))
    service, expected, lines = Service(), {}, []
    samples = {size: [mx.nd.random.uniform(shape=(size, 3, 112, 112))] for size in (1, 8)}
    helper = threading.Thread(target=template); helper.start(); helper.join()
    found = {'lines': lines, 'children': []}
    def child(threads, fused, out):
        mx.base._LIB.MXSetNumOMPThreads(ctypes.c_int(threads))
        if not fused:
            vars(service.net).pop('forward', None)
        before, worst, best = private_mb(), 0.0, {}
        for _ in range(4):
            for size in samples:
                start = time.perf_counter()
                answer = service._inference(samples[size]); answer.wait_to_read()
                best[size] = min(best.get(size, 9e9), time.perf_counter() - start)
                worst = max(worst, float(abs(answer.asnumpy() - expected[size]).max()
                                         / abs(expected[size]).max()))
        os.write(out, json.dumps([threads, fused, worst, best[1], best[8],
                                  private_mb() - before]).encode())
    for threads in (1, 2):
        for fused in (True, False):
            read, write = os.pipe()
            pid = os.fork()
            if pid == 0:
                child(threads, fused, write); os._exit(0)
            os.close(write)
            status = os.waitpid(pid, 0)[1]
            found['children'].append([status, json.loads(os.read(read, 9999) or b'[]')])
    print(json.dumps(found))
''')


def test_forked_workers_get_right_answers_and_share_the_weights(tmp_path):
    env = {'MXNET_ENGINE_TYPE': 'NaiveEngine', 'OMP_NUM_THREADS': '1',
           'MXNET_SUBGRAPH_VERBOSE': '0', 'PYTHONPATH': str(REPO), 'HOME': str(tmp_path)}
    done = subprocess.run([sys.executable, '-c', IN_FORKS], cwd=tmp_path, env=env,
                          capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    print(found)
    # On a busy machine not every size shows that it is faster.
    assert any('fused (MKLDNN)' in line for line in found['lines']), found
    assert [status for status, _ in found['children']] == [0, 0, 0, 0], found
    (_, one), (_, plain_one), (_, two), (_, plain_two) = found['children']
    for fused, plain in (one, plain_one), (two, plain_two):
        assert fused[2] < 1e-4
        # 45 MB of weights; a copy for each size would be 90.
        assert fused[5] < plain[5] + 60, found

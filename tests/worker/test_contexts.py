"""A service on a context that is not the default computes all of it there.

``mx.cpu(1)`` stands for a GPU. To be as strict as one, `strict_contexts` lets no operator mix
contexts.
"""

import mxnet as mx
import numpy as np
import pytest
from harness import KITTEN
from real_services import CASES, Ask, Plain, classic, inputs_of, recorded, written
from strict_contexts import WrongContext, strict_contexts

from mms.devices.device import CPU, Device
from mms.worker.batches.compare import compare_predictions
from mms.worker.batches.joint import answer_jointly, infer_together
from mms.worker.batches.proof import prove
from mms.worker.batches.verdict import Outcome
from mms.worker.codecs.json_answer import to_json
from mms.worker.warm_up.fusion import fuse
from mms.worker.warm_up.graph_plan import PlannedForward

HERE, THERE = mx.cpu(0), mx.cpu(1)
ELSEWHERE = Device(CPU, 1)

HEAD = '''
import mxnet as mx
from mxnet.gluon import HybridBlock, Block, SymbolBlock, nn
from mms.model_service.mxnet_model_service import MXNetBaseService


class Naive(MXNetBaseService):
    """Never says where anything is."""

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        super().__init__(model_name, model_dir, manifest, gpu)
        self.folder = model_dir
        self.build()

    def _preprocess(self, data):
        return [mx.nd.array(data[0])]

    def _inference(self, data):
        return self.net(*data)

    def _postprocess(self, data):
        return data
'''


@pytest.fixture
def naive(tmp_path):
    """Build a service of source text twice, on the default context and on the other one."""
    def build(text, device=ELSEWHERE):
        folder = tmp_path / ('plain' if device is None else 'there')
        folder.mkdir()
        return written(HEAD + text, folder, f'naive_{folder.name}', device=device)

    return build


def both(naive, text, rows):
    """The service on the other context; its answer has to be the one of the default context."""
    expected = naive(text, None).inference([rows]).asnumpy()
    service = naive(text)
    assert service.ctx == THERE
    with strict_contexts():
        answer = service.inference([rows])
    assert answer.context == THERE
    np.testing.assert_allclose(answer.asnumpy(), expected, rtol=1e-5)
    return service


DENSE = '''
    def build(self):
        mx.random.seed(3)
        self.net = nn.HybridSequential()
        self.net.add(nn.Dense(3{}), nn.BatchNorm(), nn.Dense(2))
        self.net.initialize(mx.init.Xavier())
        {}
'''
SAVED = '''
        self.net(mx.nd.ones((1, 2)))
        self.net.save_parameters(self.folder + '/saved.params')
        self.net = nn.HybridSequential()
        self.net.add(nn.Dense(3), nn.BatchNorm(), nn.Dense(2))
        self.net.load_params(self.folder + '/saved.params')
'''
EXPORTED = '''
        self.net.hybridize()
        self.net(mx.nd.ones((1, 2)))
        self.net.export(self.folder + '/exported')
        self.net = SymbolBlock.imports(self.folder + '/exported-symbol.json', ['data'],
                                       self.folder + '/exported-0000.params')
'''


@pytest.mark.parametrize('then', [
    '', 'self.net.hybridize()', 'self.net.hybridize(static_alloc=True, static_shape=True)',
    'self.net.hybridize(); self.net(mx.nd.ones((1, 2)))',
    'self.net.hybridize(static_alloc=True); self.net(mx.nd.ones((1, 2)))', SAVED, EXPORTED,
], ids=['deferred', 'hybrid', 'static', 'run before', 'static, run before', 'load_params',
        'SymbolBlock'])
def test_a_net_that_the_constructor_leaves_anywhere_answers_there(naive, then):
    service = both(naive, DENSE.format('', then), [[1, 2], [3, 4]])
    assert {tuple(parameter.list_ctx()) for parameter in service.net.collect_params().values()} \
        == {(THERE,)}


def test_a_constructor_that_hands_no_gpu_on_has_the_workers_context_all_the_same(naive):
    assert naive('''
    def __init__(self, model_name, model_dir, manifest, **rest):
        MXNetBaseService.__init__(self, model_name, model_dir, manifest)
        self.net = nn.Dense(2)
        self.net.initialize()
''').inference([[[1, 2]]]).context == THERE


@pytest.mark.parametrize('flag', ['', '.hybridize()'])
def test_constants_tables_and_arrays_made_on_the_way_are_there(naive, flag):
    service = both(naive, f'''
    def build(self):
        class Net(HybridBlock):
            def __init__(self):
                super().__init__()
                self.dense = nn.Dense(2, in_units=2)
                self.factor = self.params.get_constant('factor', mx.nd.array([[2, 3]]))

            def hybrid_forward(self, F, x, factor):
                y = F.broadcast_mul(self.dense(x), factor)
                return F.concat(y, F.ones((2, 1)), dim=1)

        self.net = Net()
        self.net.initialize(mx.init.One())
        self.net{flag or '.collect_params()'}
''', [[1, 2], [3, 4]])
    assert service.net.factor.list_ctx() == [THERE]


def test_tables_of_a_plain_block_are_moved_at_any_depth(naive):
    both(naive, '''
    def build(self):
        class Inner(Block):
            def __init__(self):
                super().__init__()
                self.dense = nn.Dense(2)
                self.tables = {'shift': [mx.nd.array([[5, 6]])]}

            def forward(self, x):
                return self.dense(x) + self.tables['shift'][0]

        class Outer(Block):
            def __init__(self):
                super().__init__()
                self.inner, self.scale = Inner(), mx.nd.array([[1, 2]])

            def forward(self, x):
                return self.inner(x) * self.scale + mx.nd.arange(2)

        self.net = Outer()
        self.net.initialize(mx.init.One())
''', [[1, 2], [3, 4]])


def test_nets_in_other_attributes_answer_there_and_where_they_were(naive):
    service = both(naive, '''
    def build(self):
        self.net = nn.Dense(2, in_units=2)
        self.heads = {'a': [nn.Dense(1, in_units=2)]}['a']
        self.reader = nn.Dense(2, in_units=2)
        self.reader.hybridize()
        for net in (self.net, *self.heads, self.reader):
            net.initialize(mx.init.One())

    def _preprocess(self, data):
        return [self.reader(mx.nd.array(data[0]))]

    def _inference(self, data):
        return self.heads[0](self.net(self.reader(data[0])))
''', [[1, 2], [3, 4]])
    assert service.net.weight.list_ctx() == [THERE]
    assert service.heads[0].weight.list_ctx() == [THERE, HERE]


def test_a_net_made_at_the_first_request_is_there(naive):
    both(naive, '''
    def build(self):
        pass

    def _inference(self, data):
        if self.net is None:
            self.net = nn.Dense(2)
            self.net.initialize(mx.init.One())
        return self.net(data[0])
''', [[1, 2]])


MODULES = '''
    def build(self):
        self.module = mx.mod.Module(self.network(2)[0], label_names=None{context})
        self.module.bind([('data', (1, 2))], for_training=False)
        self.module.init_params(mx.init.One())
        self.buckets = mx.mod.BucketingModule(self.network, 2{context})
        self.buckets.bind([('data', (1, 2))], for_training=False)
        self.buckets.init_params(mx.init.One())

    def network(self, length):
        data = mx.sym.sum(mx.sym.Variable('data'), axis=1, keepdims=True)
        return mx.sym.FullyConnected(data, num_hidden=2, name='fc'), ('data',), None

    def _inference(self, data):
        length = data[0].shape[1]
        self.module.forward(mx.io.DataBatch(data))
        self.buckets.forward(mx.io.DataBatch(
            data, bucket_key=length, provide_data=[('data', data[0].shape)]))
        return self.module.get_outputs()[0] + self.buckets.get_outputs()[0]
'''


def test_modules_bound_on_ctx_answer_there(naive, caplog):
    service = both(naive, MODULES.format(context=', context=self.ctx'), [[1, 2, 3]])
    assert 'computes on' not in caplog.text
    assert {array.context for array in service.module.get_params()[0].values()} == {HERE}
    assert service.module._exec_group.contexts == [THERE]


def test_a_module_without_a_context_answers_and_is_warned_of(naive, caplog):
    service = naive(MODULES.format(context=''))
    assert service.inference([[[1, 2]]]).context == HERE
    for name in ('module', 'buckets'):
        assert (f'Naive: self.{name} computes on cpu(0) and not on cpu(1): make it with '
                'context=self.ctx') in caplog.text


def test_a_gluon_net_that_is_given_bytes_decodes_them_where_mxnet_can(naive):
    service = naive('''
    def build(self):
        self.net = nn.Dense(2)
        self.net.initialize()

    def _preprocess(self, data):
        return data

    def _inference(self, data):
        pixels = mx.image.imresize(mx.image.imdecode(data[0]), 4, 4).astype('float32')
        return self.net(pixels.as_in_context(self.ctx).expand_dims(0))
''')
    with strict_contexts():
        assert service.inference([KITTEN.read_bytes()]).context == THERE


def test_the_default_context_is_the_services_in_inference_alone_and_never_leaks(naive):
    service = naive('''
    def build(self):
        self.defaults = []

    def note(self):
        self.defaults.append(str(mx.current_context()))

    def _preprocess(self, data):
        self.note()
        return [mx.nd.array(data[0])]

    def _inference(self, data):
        with self.ctx:
            with self.ctx:
                self.note()
        self.note()
        return mx.np.ones(2)

    def _postprocess(self, data):
        self.note()
        return data
''')
    for _ in range(2):
        assert service.inference([[1]]).context == THERE
    assert service.defaults == ['cpu(0)', 'cpu(1)', 'cpu(1)', 'cpu(0)'] * 2
    assert mx.current_context() == HERE


def test_strictness_itself_finds_a_service_that_mixes(naive):
    service = naive('''
    def build(self):
        self.mean = mx.nd.array([[1, 2]])

    def _inference(self, data):
        return data[0] - self.mean
''')
    assert service.inference([[[1, 2]]]).context == THERE
    with strict_contexts(), pytest.raises(WrongContext, match='cpu'):
        service.inference([[[1, 2]]])


@pytest.mark.parametrize('archive', sorted({case['archive'] for case in CASES}))
def test_an_archive_of_mms_04_answers_there_as_it_does_here(archive, tmp_path):
    (tmp_path / 'here').mkdir()
    here = classic(archive, tmp_path / 'here')
    (tmp_path / 'there').mkdir()
    there = classic(archive, tmp_path / 'there', ELSEWHERE)
    assert (here.ctx, there.ctx) == (HERE, THERE)
    for ask in recorded(archive, there.signature):
        with strict_contexts() as met:
            answer = to_json(there.inference(inputs_of(ask)))
        compare_predictions(to_json(here.inference(inputs_of(ask))), answer)
        module = getattr(there, 'mx_model', None)
        assert THERE in (met if module is None else module._exec_group.contexts)


FUSIBLE = '''
    def build(self):
        mx.random.seed(3)
        self.net = nn.HybridSequential()
        self.net.add(nn.Conv2D(8, 3), nn.BatchNorm(), nn.Activation('relu'), nn.Dense(3))
        self.net.initialize(mx.init.Xavier())
'''


def test_a_fused_net_has_its_plans_there_and_answers_there(naive, monkeypatch):
    monkeypatch.setattr('mms.worker.warm_up.fusion.NEEDED_GAIN', 0.0)
    monkeypatch.setattr('mms.worker.warm_up.fusion.NEEDED_GAIN_HEAVY', 0.0)
    service = naive(FUSIBLE)
    data = mx.nd.random.uniform(shape=(1, 3, 8, 8), ctx=THERE)
    expected = service._run_inference([data])
    with strict_contexts():
        [line] = fuse(service, {1: [data]})
    assert 'fused (MKLDNN)' in line
    assert isinstance(service.net.forward, PlannedForward)
    with strict_contexts() as met:
        fused = service._run_inference([data])
    assert (fused.context, met) == (THERE, {THERE})
    np.testing.assert_allclose(fused.asnumpy(), expected.asnumpy(), rtol=1e-4, atol=1e-6)
    [key] = [key for key in service.net.forward.plans if str(THERE) in str(key)]
    assert key[1][0][2] == THERE


def test_batches_are_tried_joined_and_split_there(naive):
    service = naive(DENSE.format('', 'self.net.hybridize()'))
    requests = [Ask([[[number, 1]]]) for number in range(5)]
    with strict_contexts():
        verdict = prove(service, [inputs_of(request) for request in requests])
        assert verdict.outcome is Outcome.EQUAL, verdict
        alone = [to_json(service.inference(inputs_of(request))) for request in requests]
        together = answer_jointly(service, requests, Plain(), list)
    for prediction, joint in zip(alone, together):
        compare_predictions(prediction, joint.body)
    ready = service._run_preprocess([[[1, 2]]])
    assert {part.context for part in infer_together(service, [ready] * 3)} == {THERE}

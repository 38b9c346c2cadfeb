"""Which class of a service file is served, and how it is built."""

import json
import os
import sys
import textwrap

import mxnet as mx
import pytest

from mms.devices.device import GPU, Device
from mms.errors import ServiceError
from mms.exporter.service_source import find_service_class
from mms.worker.loading.service_loader import build_service, load_service_class

pytestmark = pytest.mark.core

SYMBOLIC, GLUON = 'MXNet-Symbolic', 'Gluon-Imperative'
SIGNATURE = {'inputs': [{'data_name': 'data', 'data_shape': [0, 4]}],
             'outputs': [{'data_name': 'out', 'data_shape': [0, 2]}],
             'input_type': 'application/json', 'output_type': 'application/json'}

# Old archives embed a service file that is shaped like this one: it derives both
# of its base services anew from SingleNodeService.
TWO_BASES = '''
    import mxnet as mx
    from mms.log.setup import get_logger
    from mms.model_service.model_service import SingleNodeService, URL_PREFIX

    class MXNetBaseService(SingleNodeService):
        """Symbolic."""

    class GluonImperativeBaseService(SingleNodeService):
        """Gluon."""
'''

IMPORTS = '''
    import mms.model_service.mxnet_model_service
    from mms import model_service
    from mms.model_service import mxnet_vision_service
    from mms.model_service.gluon_vision_service import GluonVisionService
    from mms.model_service.model_service import ModelService, SingleNodeService
    from mms.model_service.mxnet_model_service import GluonImperativeBaseService, MXNetBaseService
    from mms.model_service.mxnet_vision_service import MXNetVisionService
    from mxnet.gluon import Block, nn
'''


@pytest.fixture
def write(tmp_path):
    before = set(sys.modules)

    def write(text, name='service_of_this_test.py'):
        (tmp_path / name).write_text('\n'.join(map(textwrap.dedent, text.split('---'))), 'utf-8')
        return str(tmp_path / name)

    yield write
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], '__file__', '')):
            del sys.modules[name]


def chosen(path, model_format=SYMBOLIC):
    """The served class, on which those agree who run the file and who only read it."""
    name = load_service_class(path, model_format).__name__
    assert find_service_class(path, os.path.dirname(path), model_format) == name
    return name


@pytest.mark.parametrize('base', [
    'MXNetVisionService', 'MXNetBaseService', 'GluonVisionService', 'GluonImperativeBaseService',
    'SingleNodeService', 'ModelService', 'mxnet_vision_service.MXNetVisionService',
    'mms.model_service.mxnet_model_service.MXNetBaseService',
    'model_service.gluon_vision_service.GluonVisionService',
])
@pytest.mark.parametrize('model_format', [SYMBOLIC, GLUON])
def test_the_class_of_the_file_is_taken_however_its_base_is_imported(write, base, model_format):
    path = write(f'{IMPORTS}---class Mine({base}):\n    pass\n')
    assert chosen(path, model_format) == 'Mine'


def test_helpers_and_blocks_beside_it_are_no_services(write):
    path = write(IMPORTS + '''---
        class Zoo(Block):
            pass

        class Helper:
            pass

        class A(MXNetVisionService, Helper):
            pass

        alias = A
    ''')
    assert chosen(path) == 'A'


def test_of_a_base_of_the_users_own_and_its_leaf_the_leaf_is_taken(write):
    path = write(IMPORTS + '''---
        class Base(MXNetBaseService):
            pass

        class Middle(Base):
            pass

        class Another(Middle):
            pass
    ''')
    assert chosen(path) == 'Another'


def test_mixins_that_are_services_are_no_leaves(write):
    path = write(IMPORTS + '''---
        class Logged(SingleNodeService):
            pass

        class Timed(SingleNodeService):
            pass

        class Mine(Logged, Timed, MXNetVisionService):
            pass
    ''')
    assert chosen(path) == 'Mine'


@pytest.mark.parametrize(('model_format', 'expected'), [
    (SYMBOLIC, 'MXNetBaseService'), (GLUON, 'GluonImperativeBaseService')])
def test_of_an_old_archives_own_two_bases_the_format_chooses(write, model_format, expected):
    path = write(TWO_BASES, 'mxnet_model_service.py')
    cls = load_service_class(path, model_format)
    assert cls.__name__ == chosen(path, model_format) == expected
    assert cls.__module__ == 'mxnet_model_service'


def test_an_old_archives_own_vision_service_is_taken_not_the_one_of_this_package(write):
    path = write('''
        from mms.model_service.mxnet_model_service import MXNetBaseService
        from mms.utils.mxnet import image, ndarray

        class MXNetVisionService(MXNetBaseService):
            embedded = True
    ''', 'mxnet_vision_service.py')
    assert load_service_class(path, SYMBOLIC).embedded


@pytest.mark.parametrize(('model_format', 'expected'), [(SYMBOLIC, 'Sym'), (GLUON, 'Glu')])
def test_of_two_services_the_one_for_the_format_is_taken(write, model_format, expected):
    path = write(IMPORTS + '''---
        class Sym(MXNetVisionService):
            pass

        class Glu(GluonVisionService):
            pass
    ''')
    assert chosen(path, model_format) == expected


def test_a_file_that_defines_none_serves_the_leaf_it_imports(write):
    path = write('from mms.model_service.mxnet_model_service import MXNetBaseService\n'
                 'from mms.model_service.mxnet_vision_service import MXNetVisionService\n')
    assert chosen(path) == 'MXNetVisionService'


def test_several_services_are_ambiguous(write):
    path = write(IMPORTS + '''---
        class One(MXNetVisionService):
            pass

        class Two(MXNetBaseService):
            pass
    ''')
    with pytest.raises(ServiceError) as raised:
        chosen(path)
    assert str(raised.value) == (
        f'{path} must define one service class, derived from a class of mms.model_service; '
        'found: One, Two')


@pytest.mark.parametrize('text', [
    '', 'class NotAService:\n    pass\n',
    'from mms.model_service.model_service import SingleNodeService, ModelService\n'])
def test_a_file_without_a_service_is_refused(write, text):
    with pytest.raises(ServiceError, match='found: none'):
        chosen(write(text))


def test_a_file_that_cannot_be_run_is_refused(write):
    with pytest.raises(ServiceError, match=r'service_of_this_test\.py:1: NameError: name .nowhere'):
        chosen(write('class Mine(nowhere): pass'))


class TestBuildService:
    @pytest.fixture
    def build(self, write, tmp_path):
        (tmp_path / 'signature.json').write_text(json.dumps(SIGNATURE), 'utf-8')
        manifest = {'Model': {'Model-Name': 'm', 'Signature': 'signature.json', 'Parameters': '',
                              'Symbol': '', 'Service': 'service_of_this_test.py',
                              'Model-Format': GLUON}}

        def build(text, gpu=None):
            cls = load_service_class(write(f'{IMPORTS}---{text}'), GLUON)
            device = None if gpu is None else Device(GPU, gpu)
            return build_service(cls, 'm', str(tmp_path), manifest, device)

        return build

    @pytest.mark.parametrize(('parameters', 'place'), [
        ('model_name, model_dir, manifest, gpu=None', 'gpu'),
        ('model_name, model_dir, manifest, net=None, gpu=None', 'gpu'),
        ('model_name, model_dir, manifest, *, gpu', 'gpu'),
        ('model_name, model_dir, manifest, **rest', "rest['gpu']"),
        ('*args, **kwargs', "kwargs['gpu']"),
        ('*args', 'args[3]'),
        ('model_name, model_dir, manifest, device', 'device'),
        ('model_name, model_dir, manifest, gpu, /', 'gpu'),
    ])
    def test_the_gpu_arrives_however_the_constructor_takes_it(self, build, parameters, place):
        service = build(f'''
            class Mine(SingleNodeService):
                def __init__(self, {parameters}):
                    self.got = {place}
        ''', gpu=3)
        assert service.got == 3

    def test_a_constructor_without_a_place_for_the_gpu_gets_none(self, build, caplog):
        text = '''
            class Mine(SingleNodeService):
                def __init__(self, model_name, model_dir, manifest):
                    self.got = model_name, model_dir, manifest['Model']['Model-Name']
        '''
        assert build(text).got[::2] == ('m', 'm')
        assert 'does not run' not in caplog.text
        assert build(text, gpu=1)
        assert 'Mine does not run on gpu:1: its ctx is None' in caplog.text

    def test_a_subclass_without_a_constructor_is_built_through_its_base(self, build):
        service = build('class Mine(GluonImperativeBaseService):\n    pass\n')
        assert (service.model_name, service.ctx, service.net) == ('m', mx.cpu(), None)

    def test_a_constructor_that_raises_is_named_with_file_class_and_reason(self, build, tmp_path):
        with pytest.raises(ServiceError) as raised:
            build('''
                class Mine(SingleNodeService):
                    def __init__(self, model_name, model_dir, manifest, gpu=None):
                        raise ValueError('two\\nlines')
            ''')
        assert str(raised.value) == (f'{tmp_path}/service_of_this_test.py:14: Mine cannot be '
                                     'constructed: ValueError: two lines')
        assert isinstance(raised.value.__cause__, ValueError)

    PRINTING = '''
        class Mine(SingleNodeService):
            def __init__(self, model_name, model_dir, manifest, gpu=None):
                import sys
                print('loading')
                self.stream = sys.stdout
                {}
    '''

    def test_what_a_constructor_prints_is_printed_when_it_is_done(self, build, capsys):
        service = build(self.PRINTING.format('assert self.stream.isatty() in (False, True)'))
        assert capsys.readouterr().out == 'loading\n'
        print('later', file=service.stream)
        assert capsys.readouterr().out == 'later\n'

    def test_what_a_failing_constructor_prints_is_logged_at_debug(self, build, capsys, caplog):
        with caplog.at_level('DEBUG'), pytest.raises(ServiceError, match='KeyError'):
            build(self.PRINTING.format("raise KeyError('x')"))
        assert capsys.readouterr().out == ''
        assert ('DEBUG', 'loading') in [(record.levelname, record.message)
                                        for record in caplog.records]

    def test_mxnets_errors_lose_their_stack_trace(self, build):
        with pytest.raises(ServiceError) as raised:
            build('''
                class Mine(SingleNodeService):
                    def __init__(self, model_name, model_dir, manifest, gpu=None):
                        mms.model_service.mxnet_model_service.mx.nd.load(__file__)
            ''')
        assert str(raised.value).endswith('MXNetError: Invalid NDArray file format')

    def test_a_very_long_reason_is_cut(self, build):
        with pytest.raises(ServiceError) as raised:
            build('''
                class Mine(SingleNodeService):
                    def __init__(self, model_name, model_dir, manifest, gpu=None):
                        raise ValueError('x' * 5000)
            ''')
        assert len(str(raised.value)) < 700

    def test_a_constructor_with_other_arguments_is_a_service_error(self, build):
        with pytest.raises(ServiceError, match='TypeError'):
            build('class Mine(SingleNodeService):\n    def __init__(self):\n        pass\n')

    NET = '''
        class Mine(MXNetBaseService):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                self.ctx = mms.model_service.mxnet_model_service.mx.cpu(1)
                self.net = nn.HybridSequential()
                self.net.add(nn.Dense(3, in_units=4), nn.BatchNorm(in_channels=3), nn.Dense(2{}))
                {}
    '''

    def test_a_net_that_the_constructor_left_elsewhere_is_moved(self, build):
        service = build(self.NET.format(', in_units=3', 'self.net.initialize()'))
        assert {tuple(parameter.list_ctx())
                for parameter in service.net.collect_params().values()} == {(mx.cpu(1),)}
        assert len(service.inference([[[1, 2, 3, 4]]])) == 1

    def test_a_net_that_has_run_already_is_moved_too(self, build):
        service = build(self.NET.format(', in_units=3', (
            'self.net.initialize(); self.net.hybridize(); '
            'self.net(mms.model_service.mxnet_model_service.mx.nd.ones((1, 4)))')))
        assert len(service.inference([[[1, 2, 3, 4]]])) == 1

    def test_a_net_whose_shapes_are_not_known_yet_starts_on_the_context(self, build):
        service = build(self.NET.format('', 'self.net.initialize()'))
        last = list(service.net.collect_params().values())[-2]
        assert last.shape == (2, 0)
        assert last.list_ctx() == [mx.cpu(1)]
        assert len(service.inference([[[1, 2, 3, 4]]])) == 1
        assert last.data(mx.cpu(1)).shape == (2, 3)

    def test_a_net_that_is_on_the_context_among_others_stays(self, build):
        both = '[mms.model_service.mxnet_model_service.mx.cpu(n) for n in (0, 1)]'
        service = build(self.NET.format(', in_units=3', f'self.net.initialize(ctx={both})'))
        assert all(parameter.list_ctx() == [mx.cpu(0), mx.cpu(1)]
                   for parameter in service.net.collect_params().values())

    def test_a_net_without_any_weights_stops_the_start(self, build):
        with pytest.raises(ServiceError, match='Mine: the network HybridSequential has no weights'):
            build(self.NET.format('', ''))

    def test_a_net_with_a_part_without_weights_is_logged_and_served(self, build, caplog):
        service = build(self.NET.format(', in_units=3', 'self.net[0].initialize()'))
        assert 'HybridSequential without weights: batchnorm' in caplog.text
        assert service.net[0].weight.list_ctx() == [mx.cpu(1)]

    def test_a_net_that_is_no_gluon_block_is_left_alone(self, build):
        assert build('''
            class Mine(MXNetBaseService):
                net = staticmethod(max)
        ''').net is max


def test_an_old_base_that_lets_a_parameter_be_missing_is_found_out(write, tmp_path):
    symbol = mx.sym.FullyConnected(mx.sym.var('data'), num_hidden=2, name='fc')
    symbol.save(str(tmp_path / 'm-symbol.json'))
    mx.nd.save(str(tmp_path / 'm-0000.params'), {'arg:fc_weight': mx.nd.ones((2, 4))})
    manifest = {'Model': {'Model-Name': 'm', 'Parameters': 'm-0000.params',
                          'Service': 'service_of_this_test.py', 'Model-Format': SYMBOLIC}}
    cls = load_service_class(write('''
        import mxnet as mx
        from mms.model_service.model_service import SingleNodeService

        class MXNetBaseService(SingleNodeService):
            def __init__(self, model_name, model_dir, manifest, gpu=None):
                symbol, args, states = mx.model.load_checkpoint(model_dir + '/m', 0)
                self.mx_model = mx.mod.Module(symbol, data_names=['data'], label_names=None)
                self.mx_model.bind([('data', (1, 4))], for_training=False)
                self.mx_model.set_params(args, states, allow_missing=True, allow_extra=True)
    '''), SYMBOLIC)
    with pytest.raises(ServiceError, match=r"m-0000.params: parameter 'fc_bias' of the network"):
        build_service(cls, 'm', str(tmp_path), manifest, None)
    mx.nd.save(str(tmp_path / 'm-0000.params'), {'arg:fc_weight': mx.nd.ones((2, 4)),
                                                 'arg:fc_bias': mx.nd.ones(2)})
    assert build_service(cls, 'm', str(tmp_path), manifest, None).mx_model

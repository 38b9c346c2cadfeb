"""The base class's pipeline, and the loading of service files."""

import collections
import subprocess
import sys
import time

import mxnet as mx
import numpy as np
import pytest

import mms.model_service
from mms.errors import BadRequest, ServiceError
from mms.model_service.model_service import (
    URL_PREFIX,
    ModelService,
    MultiNodesService,
    SingleNodeService,
    load_service,
)
from mms.mxnet_engine.arrays import copied, move_to

pytestmark = pytest.mark.core

Pair = collections.namedtuple('Pair', 'left right')


class Steps(SingleNodeService):
    def __init__(self, ctx=None):
        self.ctx = ctx
        self.seen = None

    def _inference(self, data):
        self.seen = data
        return data


def test_the_base_classes_import_no_mxnet():
    code = ('import sys, mms.model_service.model_service as m; assert "mxnet" not in sys.modules; '
            'import mms.model_service; mms.model_service.mxnet_vision_service.MXNetVisionService')
    subprocess.run([sys.executable, '-W', 'ignore', '-c', code], check=True, timeout=120)


def test_a_service_file_may_import_mxnet_before_anything_else(tmp_path):
    (tmp_path / 'first.py').write_text('import mxnet as mx\nones = mx.nd.ones(1)\n')
    code = ('import sys; from mms.model_service.model_service import load_service; '
            'load_service(sys.argv[1])')
    subprocess.run([sys.executable, '-W', 'ignore', '-c', code, str(tmp_path / 'first.py')],
                   check=True, timeout=120)


def test_submodules_are_found_through_the_package():
    assert mms.model_service.gluon_vision_service.GluonVisionService
    assert not hasattr(mms.model_service, 'no_such_module')


def test_the_three_hooks_run_in_order_and_are_timed():
    class Service(SingleNodeService):
        def _preprocess(self, data):
            time.sleep(.02)
            return [*data, 'pre']

        def _inference(self, data):
            return [*data, 'inf']

        def _postprocess(self, data):
            return [*data, 'post']

    service = Service('name', '/', {}, None)
    assert service.inference(['raw']) == ['raw', 'pre', 'inf', 'post']
    assert list(service.stage_times_ms) == ['preprocess', 'inference', 'postprocess']
    assert service.stage_times_ms['preprocess'] >= 19
    assert (service.model_name, service.ctx, service.signature) == ('name', None, None)


def test_a_hook_that_is_not_defined_passes_its_data_on():
    assert Steps().inference([1]) == [1]


@pytest.mark.parametrize('lazy', [lambda data: map(float, data), lambda data: (x for x in data)])
def test_lazy_results_become_lists_between_the_hooks(lazy):
    class Service(Steps):
        def _preprocess(self, data):
            return lazy(data)

        def _postprocess(self, data):
            return lazy(data)

    service = Service()
    assert service.inference([1, 2]) == [1, 2]
    assert service.seen == [1, 2]


@pytest.mark.parametrize('wrap', [
    lambda array: array, lambda array: [array, 'x'], lambda array: (array, 1),
    lambda array: {'a': array, 'b': 2}, lambda array: Pair(array, None),
    lambda array: collections.OrderedDict(a=array),
    lambda array: map(mx.nd.NDArray.copy, [array]),
], ids=['alone', 'list', 'tuple', 'dict', 'namedtuple', 'OrderedDict', 'map'])
def test_arrays_from_preprocess_are_moved_to_the_context(wrap):
    class Service(Steps):
        def _preprocess(self, data):
            return wrap(mx.nd.ones(2, ctx=mx.cpu(0)))

    service = Service(mx.cpu(1))
    service.inference([])
    given = wrap(mx.nd.ones(2))
    assert isinstance(service.seen, list if isinstance(given, map) else type(given))
    first = service.seen
    if not isinstance(first, mx.nd.NDArray):
        first = next(iter(first.values())) if isinstance(first, dict) else first[0]
    assert first.context == mx.cpu(1)


def test_arrays_deep_inside_are_moved_too():
    here, there = mx.cpu(0), mx.cpu(1)
    array = mx.nd.ones((1,), ctx=here)
    moved = move_to([[array], {'a': (array, [array])}, [[0.5] * 1000], 'x'], there)
    assert moved[0][0].context == moved[1]['a'][0].context == moved[1]['a'][1][0].context == there
    assert moved[2:] == [[[0.5] * 1000], 'x']
    assert array.context == here


@pytest.mark.parametrize('wrap', [
    lambda array: ['a text', array], lambda array: (None, [3, array]),
    lambda array: [{'id': 1, 'x': (array,)}], lambda array: {'x': ['a', {'y': array}]},
])
def test_an_array_behind_other_things_is_moved_too(wrap):
    def contexts(value):
        if isinstance(value, mx.nd.NDArray):
            return [value.context]
        items = value.values() if isinstance(value, dict) else \
            value if isinstance(value, (list, tuple)) else ()
        return [context for item in items for context in contexts(item)]

    assert contexts(move_to(wrap(mx.nd.ones((1,))), mx.cpu(1))) == [mx.cpu(1)]


def test_numpy_arrays_and_tensors_in_lists_stay_what_they_are():
    for value in (np.ones(3), [np.ones(3), 'x'], [[[0.5] * 100] * 100] * 3):
        assert move_to(value, mx.cpu(1)) is value


def test_copies_of_arrays_are_where_these_are():
    array = mx.nd.ones((2,), ctx=mx.cpu(1))
    value = [{'x': array}, 'text', np.ones(2)]
    again = copied(value)
    assert again[0]['x'].context == mx.cpu(1)
    again[0]['x'][:] = 5
    again[2][:] = 5
    assert (array.asnumpy().tolist(), value[2].tolist()) == ([1, 1], [1, 1])


def test_what_is_in_place_is_not_copied():
    data = [mx.nd.ones(2), 'text', 3]
    assert move_to(data, mx.cpu()) is data
    nested = {'deep': [1, 2]}
    assert move_to(nested, mx.cpu(1)) is nested


def test_numpy_style_arrays_move_too():
    assert move_to([mx.np.ones(2)], mx.cpu(1))[0].context == mx.cpu(1)


def test_without_a_context_nothing_moves():
    array = mx.nd.ones(2, ctx=mx.cpu(1))
    service = Steps()
    service.inference([array])
    assert service.seen[0] is array


@pytest.mark.parametrize('outputs', [
    lambda array: array, lambda array: [array], lambda array: ([array],),
    lambda array: {'out': array},
])
def test_errors_of_mxnets_engine_surface_in_the_inference_stage(outputs):
    """A negative scale is only found out when the operator runs."""

    class Service(SingleNodeService):
        def _inference(self, data):
            return outputs(mx.nd.random.normal(0, -1, shape=(2,)))

        def _postprocess(self, data):
            raise AssertionError('reached')

    service = Service('n', '/', {})
    with pytest.raises(mx.base.MXNetError):
        service.inference([])
    assert list(service.stage_times_ms) == ['preprocess']


def test_a_hooks_own_error_goes_through_as_it_is():
    class Service(SingleNodeService):
        def _preprocess(self, data):
            return data[0]['missing']

    with pytest.raises(KeyError, match='missing'):
        Service('n', '/', {}).inference([{}])


def test_a_hooks_own_bad_request_goes_through_as_it_is():
    error = BadRequest('no')

    class Service(SingleNodeService):
        def _preprocess(self, data):
            raise error

    with pytest.raises(BadRequest) as raised:
        Service('n', '/', {}).inference([])
    assert raised.value is error


def test_a_picture_that_a_hook_cannot_decode_is_a_bad_request():
    class Service(SingleNodeService):
        def _preprocess(self, data):
            return [mx.img.imdecode(data[0])]

    with pytest.raises(BadRequest, match='no picture'):
        Service('n', '/', {}).inference([b'nonsense'])


def test_what_an_embedded_copy_of_the_old_base_says_of_bad_input_is_a_bad_request():
    def check_input_shape(inputs):
        assert inputs[0].shape == (1, 2), 'Input data has different shape with signature.'

    class Service(SingleNodeService):
        def _preprocess(self, data):
            return map(mx.nd.array, data)

        def _inference(self, data):
            check_input_shape(data)
            return data

    service = Service('n', '/', {})
    assert service.inference([[[1, 2]]])[0].shape == (1, 2)
    with pytest.raises(BadRequest, match='different shape'):
        service.inference([[[1, 2, 3]]])
    with pytest.raises(BadRequest, match='no tensor'):
        service.inference([[[1, 2], [3]]])


def test_an_assertion_of_the_services_own_is_not_the_clients_fault():
    class Service(SingleNodeService):
        def _inference(self, data):
            raise AssertionError('mine')

    with pytest.raises(AssertionError, match='mine'):
        Service('n', '/', {}).inference([])


def test_a_service_may_leave_out_the_constructor_and_ping():
    class Bare(SingleNodeService):
        def __init__(self, model_name, model_dir, manifest, gpu=None):
            self.model_name = model_name

    service = Bare('n', '/', {})
    assert service.inference([np.ones(1)])
    assert service.ping()


def test_a_service_of_several_models_defines_inference_itself():
    with pytest.raises(NotImplementedError, match='MultiNodesService'):
        MultiNodesService('n', '/', {}).inference([])
    assert issubclass(MultiNodesService, ModelService)


def test_names_that_old_service_files_import_are_there(tmp_path):
    (tmp_path / 'old.py').write_text(
        'import requests\n'
        'from mms.log.setup import get_logger\n'
        'from mms.model_service.model_service import SingleNodeService, URL_PREFIX\n'
        'from mms.model_service.mxnet_model_service import MXNetBaseService, check_input_shape\n'
        'from mms.model_service.mxnet_model_service import GluonImperativeBaseService\n'
        'from mms.utils.mxnet import image, ndarray, nlp\n'
        'from mms.utils.timeit_decorator import timeit\n'
        'logger = get_logger()\n')
    assert load_service(str(tmp_path / 'old.py')).URL_PREFIX == URL_PREFIX


class TestLoadService:
    @pytest.fixture
    def write(self, tmp_path, monkeypatch):
        loaded = set(sys.modules)

        def write(name, text):
            (tmp_path / name).write_text(text, 'utf-8')
            return str(tmp_path / name)

        yield write
        for name in set(sys.modules) - loaded:
            if str(tmp_path) in str(getattr(sys.modules[name], '__file__', '')):
                del sys.modules[name]

    def test_the_module_has_the_files_name_and_is_registered(self, write):
        module = load_service(write('my_own_service.py', 'value = __name__'))
        assert module.value == 'my_own_service'
        assert sys.modules['my_own_service'] is module

    def test_it_takes_another_name(self, write):
        assert load_service(write('my_own_service.py', ''), 'renamed').__name__ == 'renamed'

    @pytest.mark.parametrize('taken', ['json', 'this', 'my.dotted', 'sys'])
    def test_a_name_that_others_have_stays_theirs(self, write, taken):
        before = sys.modules.get(taken)
        module = load_service(write(f'{taken}.py', 'value = 42'))
        assert module.value == 42
        assert sys.modules.get(taken) in (before, module)
        if taken != 'my.dotted':
            assert sys.modules.get(taken) is before

    def test_nothing_is_written_beside_the_file(self, write, tmp_path, monkeypatch):
        monkeypatch.syspath_prepend(str(tmp_path))
        write('beside_it.py', 'value = 7')
        module = load_service(write('main_service.py', 'import beside_it'))
        assert module.beside_it.value == 7
        assert sorted(path.name for path in tmp_path.iterdir()) == ['beside_it.py',
                                                                   'main_service.py']

    def test_a_compiled_copy_is_never_taken_for_the_file(self, write, tmp_path):
        import os
        import py_compile
        path = write('stale_service.py', 'value = 1')
        py_compile.compile(path)
        times = os.stat(path)
        write('stale_service.py', 'value = 2')
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert load_service(path).value == 2

    @pytest.mark.parametrize(('text', 'line', 'reason'), [
        ('import os\nimport no_such_thing\n', 2, "ModuleNotFoundError: No module named 'no_such_t"),
        ('a = 1\n\ndef f(:\n', 3, 'SyntaxError: '),
        ('a = 1\n   b = 2\n', 2, 'IndentationError: '),
        ('def f():\n    return 1 / 0\n\nf()\n', 2, 'ZeroDivisionError: division by zero'),
        ('import json\njson.loads("nonsense")\n', 2, 'JSONDecodeError: Expecting value'),
        ('raise SystemExit("two\\nlines")\n', 1, 'SystemExit: two lines'),
    ])
    def test_a_broken_file_is_named_with_line_and_reason(self, write, text, line, reason):
        path = write('broken_service.py', text)
        with pytest.raises(ServiceError) as raised:
            load_service(path)
        message = str(raised.value)
        assert f'{path}:{line}: {reason}' in message
        assert '\n' not in message
        assert type(raised.value.__cause__).__name__ == reason.split(':')[0]
        assert 'broken_service' not in sys.modules

    def test_a_file_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(ServiceError, match=r'none\.py does not exist'):
            load_service(str(tmp_path / 'none.py'))

    def test_dataclasses_work_in_a_service_file(self, write):
        text = ('from __future__ import annotations\nfrom dataclasses import dataclass\n'
                '@dataclass\nclass Box:\n    width: int = 3\n')
        assert load_service(write('boxes_of_mine.py', text)).Box().width == 3

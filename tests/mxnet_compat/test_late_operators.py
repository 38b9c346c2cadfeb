"""An operator of MXNet is written when it is first called, and is what MXNet would have made."""

import json
import subprocess
import sys
import textwrap

import pytest
from forks import Forks

pytestmark = pytest.mark.core

SIGNATURES = '''
import inspect, json, sys

def functions():
    for module_name, module in sorted(sys.modules.items()):
        if module_name.startswith('mxnet'):
            for name, value in sorted(vars(module).items()):
                if inspect.isfunction(value) and value.__code__.co_filename == '<string>':
                    yield module_name, name, value

def write(function):
    late = (function.__kwdefaults__ or {}).get('write_')
    assert late is not None
    late()

def signatures():
    return {f'{where}.{name}': [value.__module__, value.__qualname__, str(inspect.signature(value)),
                                value.__code__.co_names, bool(value.__doc__)]
            for where, name, value in functions()}
'''

LATE = '''
from mms import mxnet_compat
mxnet_compat.prepare_services()
import mxnet as mx
'''


def child(code):
    done = subprocess.run([sys.executable, '-c', SIGNATURES + textwrap.dedent(code)],
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope='module')
def late():
    """Runs code in a fork of a process in which no operator is written."""
    with Forks(SIGNATURES + LATE) as forks:
        yield lambda code: forks.printed(textwrap.dedent(code))


def test_every_operator_is_what_mxnet_makes_of_it_once_it_is_written(late):
    plain = json.loads(child('''
        from mms.mxnet_compat import mxnet
        print(json.dumps(signatures()))
    '''))
    written = json.loads(late('''
        from mms.mxnet_compat.late_operators import _unwritten
        for name, module in list(sys.modules.items()):
            if name.startswith('mxnet'):
                for value in list(vars(module).values()):
                    if inspect.isfunction(value) and value.__code__ is _unwritten.__code__:
                        write(value)
        print(json.dumps(signatures()))
    '''))
    assert len(plain) > 2000
    assert written == plain


def test_importing_mxnet_writes_hardly_any_and_a_call_writes_its_own(late):
    late('''
        assert len(list(functions())) < 100
        held = mx.nd.op.FullyConnected
        assert held is mx.nd.FullyConnected and 'num_hidden' not in held.__code__.co_varnames
        x = mx.nd.ones((2, 3))
        y = held(x, mx.nd.ones((1, 3)), no_bias=True, num_hidden=1)
        assert y.asnumpy().tolist() == [[3], [3]]
        assert 'num_hidden' in inspect.signature(mx.nd.FullyConnected).parameters
        assert 'num_hidden' in mx.nd.FullyConnected.__doc__
    ''')


def test_arguments_that_an_operator_refuses_are_refused_at_its_first_call_too(late):
    late('''
        for _ in range(2):
            try:
                mx.nd.FullyConnected(data=1)
            except AssertionError as error:
                assert 'Argument data must have NDArray type' in str(error), error
            else:
                raise SystemExit('it was taken')
    ''')


def test_threads_that_call_an_operator_for_the_first_time_all_get_its_answer(late):
    late('''
        from concurrent.futures import ThreadPoolExecutor
        from threading import Barrier
        sys.setswitchinterval(1e-6)
        barrier = Barrier(8)

        def names(operator):
            barrier.wait()
            return operator(mx.sym.Variable('x'), name='y').list_outputs()

        with ThreadPoolExecutor(8) as threads:
            for operator in (mx.sym.relu, mx.sym.sigmoid, mx.sym.tanh, mx.sym.exp, mx.sym.log,
                             mx.sym.sqrt, mx.sym.abs, mx.sym.sin, mx.sym.cos, mx.sym.Flatten):
                found = [each.result() for each in
                         [threads.submit(names, operator) for _ in range(8)]]
                assert found == [['y_output']] * 8, found
    ''')


def test_an_operator_that_was_not_called_yet_is_pickled_by_its_name(late):
    late('''
        import pickle
        assert pickle.loads(pickle.dumps(mx.nd.linalg.gemm2)) is mx.nd.linalg.gemm2
    ''')


def test_an_operator_that_was_not_called_yet_has_its_signature(late):
    late('''
        import copy, functools
        mine = lambda *args, **kwargs: None
        assert 'num_hidden' in inspect.signature(mx.nd.FullyConnected).parameters
        assert 'num_filter' in inspect.getfullargspec(mx.nd.Convolution).args
        assert 'act_type' in inspect.signature(functools.wraps(mx.nd.Activation)(mine)).parameters
        assert 'axis' in inspect.signature(functools.partial(mx.nd.softmax, None)).parameters
        assert list(inspect.signature(mx.nd.sin).bind(1, out=2).arguments) == ['data', 'out']
        assert str(copy.copy(inspect.signature(mx.npx.relu))) == str(inspect.signature(mx.npx.relu))
        x = mx.nd.ones(2)
        held, before = inspect.signature(mx.nd.relu), str(inspect.signature(mx.nd.relu))
        assert mx.nd.relu(x).asnumpy().tolist() == [1, 1] and not vars(mx.nd.relu)
        assert held == inspect.signature(mx.nd.relu) and before == str(held)
    ''')

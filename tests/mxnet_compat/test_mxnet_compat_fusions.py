"""A bound symbol answers what its operators say, however MXNet fuses them."""

import os
import subprocess
import sys

import mxnet as mx
import numpy as np
import pytest

pytestmark = pytest.mark.core

SHAPE = (2, 4, 3, 3)
# The activation was lost in one rewriting of ten.
REWRITINGS = 150


def dense():
    return mx.sym.FullyConnected(mx.sym.flatten(mx.sym.Variable('x')), num_hidden=6, name='f')


def convolution():
    return mx.sym.Convolution(mx.sym.Variable('x'), kernel=(1, 1), num_filter=6, name='f')


def normalized():
    return mx.sym.BatchNorm(convolution(), name='bn', fix_gamma=False)


def softplus(hidden):
    """As PyTorch writes it: above a threshold the input itself."""
    above = mx.sym.broadcast_greater(hidden, mx.sym.ones_like(hidden) * 20)
    return mx.sym.where(above, hidden, mx.sym.Activation(hidden, act_type='softrelu'))


def beside(hidden):
    return mx.sym.concat(hidden * 2, mx.sym.Activation(hidden, act_type='tanh'), hidden - 1, dim=1)


def plus_tanh(hidden):
    return hidden + mx.sym.Activation(hidden, act_type='tanh')


def answer(symbol):
    shapes, _, states = symbol.infer_shape(x=SHAPE)
    random = np.random.RandomState(1)
    args, aux = ({name: mx.nd.array(np.abs(random.normal(size=shape)) / 4)
                  for name, shape in zip(names, given)}
                 for names, given in ((symbol.list_arguments(), shapes),
                                      (symbol.list_auxiliary_states(), states)))
    executor = symbol.simple_bind(mx.cpu(), grad_req='null', x=SHAPE)
    executor.copy_params_from(args, aux)
    return executor.forward(is_train=False)[0].asnumpy()


@pytest.mark.parametrize('root', [dense, convolution, normalized])
@pytest.mark.parametrize('network', [softplus, beside, plus_tanh])
def test_a_fused_network_answers_as_it_is_written(root, network, monkeypatch):
    symbol = network(root())
    monkeypatch.setenv('MXNET_SUBGRAPH_BACKEND', 'NONE')
    wanted = answer(symbol)
    fused = {symbol.get_backend_symbol('MKLDNN').tojson() for _ in range(REWRITINGS)}
    for text in fused:
        assert np.allclose(answer(mx.sym.load_json(text)), wanted, rtol=1e-4), network.__name__


def test_what_the_user_has_set_is_heeded():
    code = ('import os; from mms import mxnet_compat; mxnet_compat.prepare(); '
            'print(os.environ["MXNET_DISABLE_MKLDNN_FUSE_CONV_SUM"], '
            'os.environ["MXNET_DISABLE_MKLDNN_FUSE_FC_ELTWISE"])')
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], capture_output=True,
                          text=True, check=True, timeout=120,
                          env={**os.environ, 'MXNET_DISABLE_MKLDNN_FUSE_CONV_SUM': '0'})
    assert done.stdout.split() == ['0', '1']

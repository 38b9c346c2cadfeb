"""A network so small that all there is to measure is the server."""

import os

import mxnet
from mxnet.gluon import nn

from mms.model_service.mxnet_model_service import MXNetBaseService

INPUTS = 4
OUTPUTS = 3


def make_network():
    """Return one dense layer, hybrid, without values."""
    network = nn.HybridSequential(prefix='dense_')
    with network.name_scope():
        network.add(nn.Dense(OUTPUTS, in_units=INPUTS))
    return network


class DenseService(MXNetBaseService):
    """Four numbers in, three probabilities out."""

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        super(DenseService, self).__init__(  # noqa: UP008  (MMS 0.4 runs on Python 2 too)
            model_name, model_dir, manifest, gpu)
        self.net = make_network()
        self.net.load_parameters(os.path.join(model_dir, self.param_filename), ctx=self.ctx)
        self.net.hybridize()

    def _preprocess(self, data):
        return [mxnet.nd.array(data[0])]

    def _inference(self, data):
        return self.net(data[0]).softmax()

    def _postprocess(self, data):
        return data.asnumpy().tolist()

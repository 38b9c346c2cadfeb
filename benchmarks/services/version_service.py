"""Answers with a number of its archive, so that an answer tells which archive it is of."""

import json
import os

import mxnet

from mms.model_service.mxnet_model_service import MXNetBaseService


class VersionService(MXNetBaseService):
    """The sum of four numbers, and the archive's own."""

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        super(VersionService, self).__init__(  # noqa: UP008  (as services of MMS 0.4 have it)
            model_name, model_dir, manifest, gpu)
        with open(os.path.join(model_dir, 'version.json')) as file:
            self.version = json.load(file)

    def _preprocess(self, data):
        return [mxnet.nd.array(data[0])]

    def _inference(self, data):
        return data[0].sum(axis=1) + self.version

    def _postprocess(self, data):
        return data.asnumpy().tolist()

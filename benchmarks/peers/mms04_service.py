"""The service file of MMS 0.4: one Graph a worker; written for its Python, 3.6.

0.4 binds a symbol in the constructor of every picture service, so a Gluon network
comes as a class of the plain base.
"""

import json
import os
import sys
import types
from pathlib import Path

from mms.model_service.model_service import SingleNodeService

# The NumPy of Python 3.6 has every name that MXNet looks for.
sys.modules['mxnet_compat'] = types.SimpleNamespace(prepare=lambda: None)

from graph import Graph  # noqa: E402


class GraphService(SingleNodeService):
    """One request in, one answer out: 0.4 has no batches."""

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        super().__init__(model_name, model_dir, manifest, gpu)
        self.model_name = model_name
        with open(os.path.join(model_dir, 'signature.json')) as file:
            self._signature = json.load(file)
        self.graph = Graph(Path(json.loads(os.environ['MMS04_GRAPHS'])[model_name]))

    def _preprocess(self, data):
        value = data[0]
        return value if isinstance(value, bytes) else json.dumps(value).encode()

    def _inference(self, data):
        return self.graph.answer([data])[0]['prediction']

    def _postprocess(self, data):
        return data

    def ping(self):
        """It holds the model, so it is well."""
        return 'healthy'

    @property
    def signature(self):
        """``signature.json``."""
        return self._signature

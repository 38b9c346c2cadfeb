"""What an editor knows of a service file, by mypy: MXNet's types, as far as it knows MXNet's."""

import os
import re
import subprocess
import sys

from extras import needs
from harness import REPO

# MXNet says nothing of its types. An editor reads its source; mypy takes these instead.
STUBS = {
    '__init__.pyi': 'from typing import Any\n'
                    'from . import gluon as gluon, io as io, mod as mod, ndarray as nd\n'
                    'class Context:\n    device_id: int\n'
                    'def __getattr__(name: str) -> Any: ...\n',
    'ndarray.pyi': 'from typing import Any\nclass NDArray:\n    context: Any\n'
              '    def __getattr__(self, name: str) -> Any: ...\n'
              'def __getattr__(name: str) -> Any: ...\n',
    'io.pyi': 'from typing import Any\ndef __getattr__(name: str) -> Any: ...\n',
    'gluon.pyi': 'from typing import Any\nclass Block:\n'
                 '    def __call__(self, *args: Any) -> Any: ...\n',
    'mod.pyi': 'from typing import Any\nclass Module:\n'
               '    def __getattr__(self, name: str) -> Any: ...\n',
}
SERVICE = '''
from mms.model_service.gluon_vision_service import GluonVisionService
from mms.model_service.model_service import SingleNodeService
from mms.model_service.mxnet_model_service import MXNetBaseService
from mms.model_service.mxnet_vision_service import MXNetVisionService


class Mine(MXNetVisionService):
    def _preprocess(self, data):
        reveal_type(self.ctx)
        reveal_type(self.labels)
        reveal_type(self.net)
        reveal_type(self.mx_model)
        reveal_type(super()._preprocess(data))
        return [array.astype('float16') for array in super()._preprocess(data)]


reveal_type(MXNetBaseService._inference)
reveal_type(MXNetVisionService._postprocess)
reveal_type(GluonVisionService._inference)
reveal_type(SingleNodeService.ctx)
'''
ARRAYS = 'builtins.list[mxnet.ndarray.NDArray]'
KNOWN = [
    'mxnet.Context', 'builtins.list[builtins.str]', 'mxnet.gluon.Block', 'mxnet.mod.Module', ARRAYS,
    f'def (self: mms.model_service.mxnet_model_service.MXNetBaseService, data: {ARRAYS}) '
    f'-> {ARRAYS}',
    f'def (self: mms.model_service.mxnet_vision_service.MXNetVisionService, data: {ARRAYS}) -> Any',
    f'def (self: mms.model_service.gluon_vision_service.GluonVisionService, data: {ARRAYS}) '
    f'-> Union[mxnet.ndarray.NDArray, {ARRAYS}]',
    'Union[mxnet.Context, None]',
]


@needs('mypy')
def test_an_editor_knows_what_hooks_take_and_what_a_service_has(tmp_path):
    stubs = tmp_path / 'stubs' / 'mxnet'
    stubs.mkdir(parents=True)
    for name, text in STUBS.items():
        (stubs / name).write_text(text)
    (tmp_path / 'service.py').write_text(SERVICE)
    done = subprocess.run(
        [sys.executable, '-m', 'mypy', '--config-file', os.devnull, '--check-untyped-defs',
         '--follow-imports', 'silent', '--ignore-missing-imports', '--no-site-packages',
         'service.py'], cwd=tmp_path,
        env={**os.environ, 'MYPYPATH': os.pathsep.join([str(stubs.parent), str(REPO)])},
        capture_output=True, text=True, timeout=200)
    assert re.findall(r'Revealed type is "(.*)"', done.stdout) == KNOWN, done.stdout
    assert done.returncode == 0, done.stdout

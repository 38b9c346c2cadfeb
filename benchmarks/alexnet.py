"""A 233 MB AlexNet archive with seeded random weights, and a picture to ask it about."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

from mms import mxnet_compat
from mms.export_model import export_model

REPO = Path(__file__).resolve().parent.parent
EXAMPLE = REPO / 'examples' / 'gluon_alexnet'
PICTURE = REPO / 'examples' / 'kitten.jpg'


def build_archive(folder: Path) -> str:
    """Export the hybrid AlexNet of the examples into `folder`; return the archive's path."""
    mxnet_compat.prepare_services()
    import mxnet

    source = folder / 'alexnet'
    source.mkdir()
    service = EXAMPLE / 'gluon_hybrid_alexnet.py'
    for path in (service, EXAMPLE / 'synset.txt', EXAMPLE / 'signature.json'):
        shutil.copy(path, source)
    mxnet.random.seed(7)
    network = _module(service).GluonHybridAlexNet()
    network.initialize(mxnet.init.Xavier())
    network(mxnet.nd.zeros((1, 3, 224, 224)))
    network.save_parameters(str(source / 'alexnet.params'))
    return export_model('alexnet', str(source), str(source / service.name),
                        str(folder / 'alexnet.model'), 'imperative')


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

"""The archive of one dense layer: four floats in, three out."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

from mms import mxnet_compat
from mms.export_model import export_model

SERVICE = Path(__file__).resolve().parent / 'services' / 'dense_service.py'
SIGNATURE = {
    'inputs': [{'data_name': 'data', 'data_shape': [0, 4]}], 'input_type': 'application/json',
    'outputs': [{'data_name': 'softmax', 'data_shape': [0, 3]}],
    'output_type': 'application/json',
}


def build_archive(folder: Path) -> str:
    """Export the layer with seeded weights into `folder`; return the archive's path."""
    mxnet_compat.prepare_services()
    import mxnet

    source = folder / 'dense'
    source.mkdir()
    shutil.copy(SERVICE, source)
    (source / 'signature.json').write_text(json.dumps(SIGNATURE))
    spec = importlib.util.spec_from_file_location(SERVICE.stem, SERVICE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    mxnet.random.seed(7)
    network = module.make_network()
    network.initialize(mxnet.init.Xavier())
    network.save_parameters(str(source / 'dense.params'))
    return export_model('dense', str(source), str(source / SERVICE.name),
                        str(folder / 'dense.model'), 'imperative')

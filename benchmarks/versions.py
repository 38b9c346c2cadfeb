"""Archives of one model that differ in their answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from body import Body, field_body
from models import BuiltModel, Model

from mms.export_model import export_model

NAME = 'versions'
MODEL = Model(NAME, 'The sum of four floats and a number of the archive', False, (8,))
TENSOR = [[1, 2, 3, 4]]
_SERVICE = Path(__file__).resolve().parent / 'services' / 'version_service.py'
_SIGNATURE = {
    'inputs': [{'data_name': 'data', 'data_shape': [0, 4]}], 'input_type': 'application/json',
    'outputs': [{'data_name': 'sum', 'data_shape': [0]}], 'output_type': 'application/json',
}


def build_versions(folder: Path, versions: int) -> list[BuiltModel]:
    """Write archives of the versions 1, 2 ... into `folder`, and a request that suits all."""
    body = field_body(json.dumps(TENSOR), folder / 'body')
    return [_build(folder, version, body) for version in range(1, versions + 1)]


def _build(folder: Path, version: int, body: Body) -> BuiltModel:
    source = folder / f'version{version}'
    source.mkdir()
    shutil.copy(_SERVICE, source)
    (source / 'signature.json').write_text(json.dumps(_SIGNATURE))
    (source / 'version.json').write_text(json.dumps(version))
    archive = export_model(NAME, str(source), str(source / _SERVICE.name),
                           str(folder / f'version{version}.model'), 'imperative')
    return BuiltModel(MODEL, Path(archive), source, body, source,
                      [float(sum(TENSOR[0]) + version)])

"""Models without weights: a service file and a signature."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from body import Body
from models import BuiltModel, Model

from mms.export_model import export_model


def build_weightless(model: Model, service: Path, signature: Mapping[str, Any], body: Body,
                     folder: Path) -> BuiltModel:
    """Export a service file into `folder`; `body` is one request to it."""
    source = folder / model.name
    source.mkdir()
    shutil.copy(service, source)
    (source / 'signature.json').write_text(json.dumps(signature))
    archive = export_model(model.name, str(source), str(source / service.name),
                           str(folder / f'{model.name}.model'), 'imperative')
    return BuiltModel(model, Path(archive), source, body, source, None)

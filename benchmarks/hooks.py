"""A service of an archive and its hooks, alone or on a batch, in this process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from mms import mxnet_compat
from mms.model_loader import ModelLoader
from mms.worker.loading.service_loader import build_service, load_service_class


def load_service(archive: str) -> Any:
    """Return the service of an archive, constructed on the CPU."""
    mxnet_compat.prepare_services()
    [(_, name, folder, manifest)] = ModelLoader.load({'model': archive})
    file = os.path.join(folder, manifest['Model']['Service'])
    return build_service(load_service_class(file, manifest['Model']['Model-Format']),
                         name, folder, manifest, None)


def read_raw(service: Any, file: Path) -> Any:
    """Return what the service's ``_preprocess`` takes: a picture's bytes, or parsed JSON."""
    if service.signature['input_type'] == 'image/jpeg':
        return file.read_bytes()
    return json.loads(file.read_text())


def run_batch(service: Any, raws: list[Any]) -> list[Any]:
    """Answer a batch: ``_preprocess`` and ``_postprocess`` each alone, ``_inference`` once."""
    ready = [service._preprocess([raw]) for raw in raws]
    outputs = service._inference([_joined(arrays) for arrays in zip(*ready)])
    return [service._postprocess(_row(outputs, index)) for index in range(len(raws))]


def _joined(arrays: tuple[Any, ...]) -> Any:
    import mxnet

    return arrays[0] if len(arrays) == 1 else mxnet.nd.concat(*arrays, dim=0)


def _row(outputs: Any, index: int) -> Any:
    if isinstance(outputs, list):
        return [output[index:index + 1] for output in outputs]
    return outputs[index:index + 1]

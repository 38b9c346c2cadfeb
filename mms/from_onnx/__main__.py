"""``python -m mms.from_onnx MODEL PREFIX``: write what a model becomes, and a report of it.

Run by the exporter, in a process of its own.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from mms import mxnet_compat
from mms.errors import ExportError


def main(model_path: str, prefix: str) -> None:
    """Write ``PREFIX-symbol.json`` and ``PREFIX-0000.params``; print the report as JSON."""
    print(json.dumps(_report(model_path, prefix)))


def _report(model_path: str, prefix: str) -> dict[str, Any]:
    mxnet_compat.prepare_services()
    from mms.from_onnx.convert import convert
    from mms.from_onnx.model_file import files_beside

    try:
        converted = convert(model_path)
        beside = files_beside(model_path)
    except ExportError as exc:
        return {'error': str(exc)}
    converted.save(prefix)
    inputs = [{'name': name, 'shape': shape} for name, shape, _ in converted.inputs]
    return {'inputs': inputs, 'outputs': [name for name, _ in converted.outputs], 'files': beside}


if __name__ == '__main__':
    main(*sys.argv[1:])

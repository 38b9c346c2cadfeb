"""An inspection as text for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mms.exporter.inspection import FileFacts, Inspection

_MARGIN = '    '


def report(inspection: Inspection) -> Iterator[str]:
    """Lines: manifest, signature, files, service class; each part only where it could be read."""
    if inspection.manifest is not None:
        yield from _part('Manifest', _fields(inspection.manifest))
    if inspection.signature is not None:
        yield from _part('Signature', _signature(inspection.signature))
    yield from _part('Files', _files(inspection.files))
    if inspection.manifest is not None and inspection.service_class:
        yield from _part('Service', [
            ('class', f"{inspection.service_class} of {inspection.manifest['Model']['Service']}")])


def _part(title: str, rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The cells in columns; numbers to the right."""
    yield title
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = (cell.rjust(width) if cell.isdigit() else cell.ljust(width)
                 for cell, width in zip(row, widths))
        yield _MARGIN + '  '.join(cells).rstrip()
    yield ''


def _fields(manifest: Mapping[str, Any], parent: str = '') -> list[tuple[str, str]]:
    """One row for each value, as ``Model.Signature``; text is not quoted."""
    rows: list[tuple[str, str]] = []
    for name, value in manifest.items():
        rows += _fields(value, f'{parent}{name}.') if isinstance(value, Mapping) and value else [
            (f'{parent}{name}', _text(value))]
    return rows


def _signature(signature: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [(direction, f"{entry['data_name']} {entry['data_shape']}")
            for direction in ('input', 'output') for entry in signature[f'{direction}s']]
    return rows + [(name, _text(value)) for name, value in signature.items()
                   if name not in ('inputs', 'outputs')]


def _files(files: Sequence[FileFacts]) -> list[tuple[str, str, str]]:
    header = ('bytes', 'sha256', 'name')
    return [header, *((str(size), sha256, name) for name, size, sha256 in files)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

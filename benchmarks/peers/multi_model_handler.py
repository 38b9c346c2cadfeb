"""The handler in the .mar archive: one Graph a worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from graph import Graph

_graph: Optional[Graph] = None


def handle(data: Optional[list[dict[str, Any]]], context: Any) -> list[dict[str, Any]]:
    """Answer a batch; called with None once, to load the model."""
    global _graph
    if _graph is None:
        _graph = Graph(Path(context.system_properties['model_dir']))
    if data is None:
        return []
    return _graph.answer([_bytes(value) for request in data for value in request.values()])


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)

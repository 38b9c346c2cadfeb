"""Writes one model's archive, its exported network for the peers, and its own answer.

``python build_model.py MODEL FOLDER RAW``; started by models.py.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any, Callable

import alexnet
import dense
import efficientnet
import small
from hooks import load_service, read_raw, run_batch

HERE = Path(__file__).resolve().parent
COMPAT = HERE.parent / 'mms' / 'mxnet_compat'
BUILDERS: dict[str, Callable[[Path], str]] = {
    'alexnet': alexnet.build_archive,
    'efficientnet': efficientnet.build_archive,
    'dense': dense.build_archive,
    'small': small.build_archive,
}


def main() -> None:
    """Build what the command line names."""
    name, folder, raw = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    archive = BUILDERS[name](folder)
    service = load_service(archive)
    [answer] = run_batch(service, [read_raw(service, raw)])
    export_graph(name, service, folder / 'graph')
    (folder / 'built.json').write_text(json.dumps({'archive': archive, 'answer': answer}))


def export_graph(name: str, service: Any, graph: Path) -> None:
    """Write the network, which has run once, and what the peers run it with."""
    graph.mkdir()
    if name == 'small':
        small.export_network(graph)
    else:
        service.net.export(str(graph / 'network'), epoch=0)
    (graph / 'hooks.txt').write_text(name)
    (graph / 'labels.json').write_text(json.dumps(getattr(service, 'labels', [])))
    shutil.copy(HERE / 'peers' / 'graph.py', graph)
    shutil.copytree(COMPAT, graph / COMPAT.name, ignore=shutil.ignore_patterns('__pycache__'))


if __name__ == '__main__':
    main()

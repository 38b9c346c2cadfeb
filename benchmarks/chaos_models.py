"""Archives of a model that tells who has answered, and of what each process of it has run."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mms.export_model import export_model

NAME = 'echo'
_SERVICE = Path(__file__).resolve().parent / 'services' / 'echo_service.py'
_SIGNATURE = {
    'inputs': [{'data_name': 'data', 'data_shape': [0, 2]}], 'input_type': 'application/json',
    'outputs': [{'data_name': 'out', 'data_shape': [0]}], 'output_type': 'application/json',
}


class Run(NamedTuple):
    """A process that has begun to run a request, its parent, and when (:func:`time.monotonic`)."""

    pid: int
    parent: int
    began: float


class EchoModel:
    """Two versions of one model.

    Parameters
    ----------
    folder
        Where its files lie.
    notes_runs
        Whether it notes what it runs.

    Attributes
    ----------
    archives
        Of version 1 and 2.
    """

    def __init__(self, folder: Path, notes_runs: bool = True) -> None:
        self._notes_runs = notes_runs
        self._ran = folder / 'ran'
        self._ran.touch()
        self.archives = [self._build(folder, version) for version in (1, 2)]

    def runs(self) -> Mapping[str, list[Run]]:
        """Word of a request -> who has begun to run it, in turn."""
        found = defaultdict(list)
        for line in self._ran.read_text().splitlines():
            word, pid, parent, began = line.split()
            found[word].append(Run(int(pid), int(parent), float(began)))
        return found

    def _build(self, folder: Path, version: int) -> Path:
        source = folder / f'echo{version}'
        source.mkdir()
        shutil.copy(_SERVICE, source)
        (source / 'signature.json').write_text(json.dumps(_SIGNATURE))
        (source / 'settings.json').write_text(
            json.dumps({'version': version, 'ran': str(self._ran) if self._notes_runs else ''}))
        return Path(export_model(NAME, str(source), str(source / _SERVICE.name),
                                 str(folder / f'echo{version}.model'), 'imperative'))


def fault_of(word: str, text: str) -> str:
    """What is wrong with an answer to a request; nothing where it is right."""
    try:
        prediction = json.loads(text)['prediction']
        got = prediction['word'], prediction['digest'], prediction['version'] in (1, 2)
    except (ValueError, KeyError, TypeError):
        return f'{word} was answered {text[:200]}'
    if got != (word, hashlib.sha256(word.encode()).hexdigest(), True):
        return f'{word} was answered {text[:200]}'
    return ''

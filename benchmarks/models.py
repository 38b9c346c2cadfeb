"""The models that are served, and what each is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from body import Body, picture_body, urlencoded_body
from picture import kitten_jpeg, other_jpegs
from processes import REPO, BenchmarkError, plain_environment

BUILD = Path(__file__).with_name('build_model.py')
TENSOR = [[1, 2, 3, 4]]


@dataclass(frozen=True)
class Model:
    """One model: its endpoint's name, what the report calls it, and its connections.

    `is_of_mms04` says of an archive of 2018 that 0.4 serves it as it is. `field` is the name that
    a request's data has.
    """

    name: str
    title: str
    takes_pictures: bool
    connections: tuple[int, ...]
    is_of_mms04: bool = False
    field: str = 'data'

    @property
    def short_title(self) -> str:
        """Its first words."""
        return self.title.partition(',')[0]


MODELS = {model.name: model for model in (
    Model('alexnet', 'AlexNet, 233 MB, JPEGs of about 400x400', True, (1, 8, 32)),
    Model('efficientnet', 'EfficientNet-Lite0, real weights, JPEGs of about 400x400', True,
          (1, 8, 32)),
    Model('dense', 'One dense layer, four floats as a form field', False, (1, 8, 16, 32)),
)}
# For what a model costs beside what it computes; not among those whose throughput is compared.
SMALL = Model('small', 'A small picture classifier, an archive of MMS 0.4', True, (1,),
              is_of_mms04=True, field='picture')


@dataclass(frozen=True)
class BuiltModel:
    """A model as files.

    Attributes
    ----------
    archive
        The ``.model`` file.
    graph
        Folder for the peers: the exported network, and hooks that need no server.
    body
        One request, which is answered by `answer`, and what is sent by turns with it.
    raw
        File of what the service's ``_preprocess`` gets: the JPEG, or JSON.
    answer
        What the service itself answers.
    """

    model: Model
    archive: Path
    graph: Path
    body: Body
    raw: Path
    answer: Any


def build_model(model: Model, folder: Path, fixed: bool = False) -> BuiltModel:
    """Write everything that the contenders need into `folder`, which is made.

    With `fixed` one request is sent again and again, as it is.

    MXNet stays in a process of its own: its threads have no business beside the probes.

    Raises
    ------
    BenchmarkError
        The build failed.
    """
    folder.mkdir()
    raw, body = folder / 'raw', folder / 'body'
    if model.takes_pictures:
        raw.write_bytes(kitten_jpeg())
        request = picture_body(raw.read_bytes(), body, other_jpegs(), model.field)
    else:
        raw.write_text(json.dumps(TENSOR))
        request = urlencoded_body(json.dumps(TENSOR), body)
    run = subprocess.run([sys.executable, str(BUILD), model.name, str(folder), str(raw)],
                         env=plain_environment(PYTHONPATH=str(REPO)), stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False)
    if run.returncode:
        raise BenchmarkError(f'{model.name} cannot be built:\n{run.stdout.strip()}')
    built = json.loads((folder / 'built.json').read_text())
    return BuiltModel(model, Path(built['archive']), folder / 'graph',
                      replace(request, is_fixed=fixed), raw, built['answer'])

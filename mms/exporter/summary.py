"""What was exported, for the person who has done it: as text, and as a table in a notebook."""

from __future__ import annotations

import json
import math
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

from mms.archive.signature import IMAGE_TYPE, PREPROCESS, input_types
from mms.exporter.trial_run import NOT_ASKED, Trial

_SHOWN_CHARACTERS = 300
# Nobody pastes more zeros.
_MOST_NUMBERS = 16
_OK = 200
# As many labels as are shown.
_SHOWN_LABELS = 5
_URL = 'http://127.0.0.1:8080'
_KILOBYTE, _MEGABYTE = 1e3, 1e6
_WAYS = {'none': '0 to 255', '0-1': '0 to 1', 'imagenet': "normalized as ImageNet's"}


@dataclass(frozen=True)
class ExportSummary:
    """An archive that was written, and how it answered a request.

    As text, and in Jupyter, it is a table.

    Attributes
    ----------
    path
        The archive.
    name
        Of the model.
    size_bytes
        Of the archive.
    model_format
        ``MXNet-Symbolic`` or ``Gluon-Imperative``.
    signature
        What ``signature.json`` holds.
    labels
        Of the classes; empty where the answer names none.
    trial
        What came of the request.
    seconds
        How long the export took, the request with it.
    remarks
        What may be wrong, a line for each.
    """

    path: str
    name: str
    size_bytes: int
    model_format: str
    signature: Mapping[str, Any]
    labels: Sequence[str]
    trial: Trial
    seconds: float
    remarks: Sequence[str] = ()

    @property
    def serve_line(self) -> str:
        """The command that serves it."""
        inside = os.path.relpath(self.path)
        path = self.path if inside.startswith(os.pardir) else inside
        return f"mxnet-model-server --models {shlex.quote(f'{self.name}={path}')}"

    @property
    def request_line(self) -> str:
        """The command that asks it then."""
        fields = ' '.join(f'-F {shlex.quote(field)}' for field in self._fields())
        return f'curl -X POST {_URL}/{quote(self.name)}/predict {fields}'

    def __repr__(self) -> str:
        rows = list(self._rows())
        width = max(len(title) for title, _ in rows)
        return '\n'.join(f'{title.ljust(width)}  {text}' for title, text in rows)

    def _repr_html_(self) -> str:
        """The table of a notebook."""
        rows = ''.join(
            f'<tr><th style="text-align: left">{escape(title)}</th>'
            f'<td style="text-align: left">{_cell(title, text)}</td></tr>'
            for title, text in self._rows())
        return f'<table>{rows}</table>'

    def _rows(self) -> Iterator[tuple[str, str]]:
        yield 'archive', f'{self.path}, {_size(self.size_bytes)}'
        yield 'model', f'{self.name}, {self.model_format}, {self.trial.service_class}'
        for entry, kind in zip(self.signature['inputs'], input_types(self.signature)):
            yield 'input', f"{entry['data_name']} {entry['data_shape']}{self._values(kind)}"
        for entry in self.signature['outputs']:
            yield 'output', f"{entry['data_name']} {entry['data_shape']}"
        if self.labels:
            more = ', ...' * (len(self.labels) > _SHOWN_LABELS)
            yield 'labels', f"{len(self.labels)}: {', '.join(self.labels[:_SHOWN_LABELS])}{more}"
        yield 'asked once', f'{self._answer()} ({self.seconds:.1f} s in all)'
        for remark in self.remarks:
            yield 'WARNING', remark
        yield _SERVE, self.serve_line
        yield _ASK, self.request_line

    def _values(self, kind: str) -> str:
        if kind != IMAGE_TYPE:
            return ''
        way = self.signature.get(PREPROCESS)
        return ', a picture' + (f', {_WAYS[way]}' if way else '')

    def _answer(self) -> str:
        trial = self.trial
        if trial.status == NOT_ASKED:
            return 'the signature tells too little to make up a request'
        if trial.status != _OK:
            return f'it finds fault with a made-up request, try a real one: {trial.answer}'
        text = _classes(trial.answer) or trial.answer
        return text if len(text) <= _SHOWN_CHARACTERS else f'{text[:_SHOWN_CHARACTERS]}...'

    def _fields(self) -> Iterator[str]:
        for entry, kind in zip(self.signature['inputs'], input_types(self.signature)):
            name = entry['data_name']
            yield f'{name}=@picture.jpg' if kind == IMAGE_TYPE else f'{name}={_example(entry)}'


_SERVE, _ASK = 'serve it', 'ask it'


def _size(count: int) -> str:
    return f'{count / _MEGABYTE:.1f} MB' if count >= _MEGABYTE else f'{count / _KILOBYTE:.1f} KB'


def _classes(answer: str) -> str:
    """The likeliest classes of each output; an empty string for any other answer."""
    try:
        return '; '.join(
            ', '.join(f"{one['class']} {one['probability']:.1%}" for one in output)
            for output in json.loads(answer))
    except (TypeError, KeyError, ValueError):
        return ''


def _cell(title: str, text: str) -> str:
    shown = escape(text)
    return f'<code>{shown}</code>' if title in (_SERVE, _ASK) else shown


def _example(entry: Mapping[str, Any]) -> str:
    """Zeros that can be sent; of a long tensor the brackets alone."""
    shape = [length or 1 for length in entry['data_shape']]
    if math.prod(shape) > _MOST_NUMBERS:
        return f"{'[' * len(shape)}...{']' * len(shape)}"
    zeros: Any = 0
    for length in reversed(shape):
        zeros = [zeros] * length
    return json.dumps(zeros)

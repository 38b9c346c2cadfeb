"""What a person reads when the server is up: what is served, where, how to ask."""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Container, Mapping, Sequence
from itertools import islice
from typing import Any, Optional

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.frontend.address import UNIX, predict_path, reachable_url
from mms.runtime.columns import Column, table

_PICTURE, _UNKNOWN = '@kitten.jpg', '...'
_TOKEN = '-H "Authorization: Bearer $TOKEN"'
# Of more models there is no curl line, and of more still the name alone.
_MOST_LINES = 5
_MOST_ROWS = 20
# A longer tensor is shown as a file's name: nobody pastes a thousand zeros.
_LONGEST_TENSOR = 64
# Characters, of a sample that a signature gives.
_LONGEST_SAMPLE = 200
_INDENT = '  '


def announcement(signatures: Mapping[str, Mapping[str, Any]], host: str, port: int,
                 untried: Container[str] = (), scheme: str = 'http',
                 asks_for_token: bool = False, workers: Optional[Mapping[str, int]] = None,
                 width: Optional[int] = None, console: bool = False) -> list[str]:
    """A table of the models; of the first, a curl line that can be pasted, or filled in.

    Parameters
    ----------
    signatures
        Endpoint name -> live signature.
    untried
        Names of those that have not answered what the line would send.
    scheme
        Of the server's URL.
    asks_for_token
        Whether the line is to have a token.
    workers
        Name of a model -> how many workers it has.
    width
        Of the terminal, in columns; None for no limit.
    console
        Whether there is a page for people; a browser does not get to that of a Unix socket.
    """
    url = reachable_url(host, port, scheme)
    lines = [f'Serving {_count(len(signatures))} at {url}  (Ctrl-C stops)']
    if signatures:
        lines += ['', *_table(dict(islice(signatures.items(), _MOST_ROWS)), workers or {}, width)]
    for name, signature in islice(signatures.items(), _MOST_LINES):
        line = curl_line(url, name, signature, name in untried, asks_for_token)
        lines += ['', f'  {name}', f'    {line}']
        lines += [f'    {remark}' for remark in _remarks(signature, name in untried)]
    lines += _others(list(signatures)[_MOST_ROWS:])
    if console and not url.startswith(UNIX):
        lines += ['', f'Console: {url}/console']
    return lines


def _table(signatures: Mapping[str, Mapping[str, Any]], workers: Mapping[str, int],
           width: Optional[int]) -> list[str]:
    lines = table([
        Column('model', list(signatures), may_be_cut=True),
        Column('takes', [_inputs(signature) for signature in signatures.values()],
               may_be_cut=True, rank=1),
        Column('gives', [signature['output_type'] for signature in signatures.values()], rank=3),
        Column('workers', [str(workers.get(name, '')) for name in signatures], is_number=True,
               rank=2),
    ], width - len(_INDENT) if width else None)
    return [_INDENT + line for line in lines]


def _inputs(signature: Mapping[str, Any]) -> str:
    """Name, type and shape of each input; a 0 is any length."""
    return ', '.join(
        f"{spec['data_name']}: {'picture' if kind == IMAGE_TYPE else 'tensor'} "
        f"{'x'.join(map(str, spec['data_shape']))}".rstrip()
        for spec, kind in zip(signature['inputs'], input_types(signature)))


def _others(names: Sequence[str]) -> list[str]:
    """The names of models for which there is no room."""
    if not names:
        return []
    return ['', *textwrap.wrap(f"and {len(names)} more, as GET /api-description tells: "
                               f"{', '.join(names)}", 98, initial_indent='  ',
                               subsequent_indent='  ', break_long_words=False,
                               break_on_hyphens=False)]


def curl_line(url: str, name: str, signature: Mapping[str, Any], untried: bool = False,
              asks_for_token: bool = False) -> str:
    """Command that asks one model; with dots for what is not known, where it is `untried`."""
    fields = [f"{spec['data_name']}={_value(spec, kind, untried)}"
              for spec, kind in zip(signature['inputs'], input_types(signature))]
    path = url[len(UNIX):] if url.startswith(UNIX) else ''
    asked = ['--unix-socket', shlex.quote(path)] if path else []
    if asks_for_token:
        asked.append(_TOKEN)
    target = ('http://localhost' if path else url) + predict_path(name)
    words = ['curl', *asked, '-X', 'POST', shlex.quote(target)]
    return ' '.join([*words, *(f'-F {shlex.quote(field)}' for field in fields)])


def _remarks(signature: Mapping[str, Any], untried: bool) -> list[str]:
    """What is to be known of the values in the line."""
    shown = {_value(spec, kind, untried): spec
             for spec, kind in zip(signature['inputs'], input_types(signature))}
    remarks = [f'{value[1:]} stands for a file with a list of the shape {spec["data_shape"]}'
               for value, spec in shown.items() if value.startswith('<')]
    if _PICTURE in shown:
        remarks.append(f'{_PICTURE[1:]} stands for any picture')
    if untried:
        remarks.append('the model has not answered what could be made up: fill in what it takes')
    return remarks


def _value(spec: Mapping[str, Any], kind: str, untried: bool) -> str:
    if kind == IMAGE_TYPE:
        return _PICTURE
    return _UNKNOWN if untried else _tensor(spec)


def _tensor(spec: Mapping[str, Any]) -> str:
    text = _sample(spec['sample']) if 'sample' in spec else _zero_text(spec['data_shape'])
    return text or f"<{spec['data_name']}.json"


def _sample(sample: Any) -> str:
    text = json.dumps(sample, ensure_ascii=False)
    # To curl, what follows a semicolon says of which type a field is.
    return text if len(text) <= _LONGEST_SAMPLE and ';' not in text else ''


def _zero_text(data_shape: Sequence[int]) -> str:
    shape = [max(1, size) for size in data_shape]
    return json.dumps(_zeros(shape)) if _volume(shape) <= _LONGEST_TENSOR else ''


def _zeros(shape: Sequence[int]) -> Any:
    return [_zeros(shape[1:]) for _ in range(shape[0])] if shape else 0


def _volume(shape: Sequence[int]) -> int:
    volume = 1
    for size in shape:
        volume *= size
    return volume


def _count(number: int) -> str:
    return '1 model' if number == 1 else f'{number} models'

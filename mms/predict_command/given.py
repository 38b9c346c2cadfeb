"""What the command line gives to be asked about: files, folders, standard input, values."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mms.client.predictions.description import Input, Inputs
from mms.client.predictions.errors import WrongUse
from mms.client.predictions.values import check_names

_STDIN = '-'
# Of files that are taken from a folder.
_PICTURES = ('.jpg', '.jpeg', '.png', '.bmp')
_TENSORS = ('.json', '.npy')


class Given(NamedTuple):
    """One thing to ask about.

    Attributes
    ----------
    shown
        What the person calls it.
    value
        For the client.
    """

    shown: str
    value: Any


def given(name: str, inputs: Inputs, words: Sequence[str], values: Sequence[tuple[str, str]]
          ) -> list[Given]:
    """All that is to be asked about.

    Parameters
    ----------
    name, inputs
        Of the model.
    words
        Files, folders and ``-``.
    values
        Names of inputs, with their values.

    Raises
    ------
    WrongUse
        They do not go with what the model takes, or a folder has nothing.
    """
    if values and words:
        raise WrongUse('give files, or --input NAME=VALUE for each input: not both')
    if values:
        check_names(name, inputs, [key for key, _ in values])
        kinds = {each.name: each for each in inputs}
        return [Given(', '.join(key for key, _ in values),
                      {key: _value(kinds[key], value) for key, value in values})]
    if len(inputs) != 1:
        wanted = ' '.join(f'--input {each.name}=...' for each in inputs)
        raise WrongUse(f'model {name} takes {len(inputs)} inputs: give {wanted}')
    if not words:
        raise WrongUse(f'give a file: model {name} takes {_told(inputs[0])}')
    return [one for word in words for one in _files(word, inputs[0])]


def _told(asked: Input) -> str:
    if asked.is_picture:
        return 'a picture'
    return f'a tensor of the shape {asked.shape}, as JSON or .npy; or --input {asked.name}=[...]'


def _value(asked: Input, text: str) -> Any:
    if text.startswith('@'):
        return _content(text[1:])
    if asked.is_picture:
        return _content(text)
    # Not a path, whatever it looks like.
    return text.encode('utf-8', 'surrogateescape')


def _content(path: str) -> Any:
    return sys.stdin.buffer.read() if path == _STDIN else Path(path)


def _files(word: str, asked: Input) -> Iterator[Given]:
    if word == _STDIN or not os.path.isdir(word):
        yield Given(word, _content(word))
        return
    kinds = _PICTURES if asked.is_picture else _TENSORS
    paths = [path for path in _below(word) if path.lower().endswith(kinds)]
    if not paths:
        raise WrongUse(f"the folder {word!r} has no files that end with {', '.join(kinds)}")
    for path in paths:
        yield Given(path, Path(path))


def _below(folder: str) -> Iterator[str]:
    """Files of a folder and of those in it, by name; hidden ones are left out."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith('.'))
        for name in sorted(files):
            if not name.startswith('.'):
                yield os.path.join(parent, name)

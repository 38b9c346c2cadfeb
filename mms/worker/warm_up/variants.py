"""Requests that differ from a sample as real ones differ from each other."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Mapping
from itertools import chain, count
from typing import Any, Callable

from PIL import Image

from mms.archive.noise_picture import noise_picture
from mms.archive.signature import IMAGE_TYPE, input_types

# As a share of white, of pictures that differ.
_BRIGHTNESS = (0.3, 0.8, 0.5, 0.6, 1.0)
_LARGER = 2
# As a share of tensors of zeros and ones.
_ONES = {0: 0.3, 1: 0.8, _LARGER: 0.5}
# What a tensor of floats may hold as well.
_NUMBERS = (-2.5, 0.5, 3.25, 40.75)


def variants(signature: Mapping[str, Any], sample: list[Any]) -> list[list[Any]]:
    """Other requests that differ from each other, all but one of the shapes of `sample`.

    Parameters
    ----------
    signature
        Says which inputs are pictures, and which have a sample of their own.
    sample
        What `_preprocess` takes.

    Returns
    -------
    list
        Pictures of noise, from dark to bright. Tensors of zeros and ones, few and many, since these
        are valid numbers of words too, and of negative, broken and larger numbers. A given sample
        backwards, turned about, of longer texts, and of larger and smaller numbers.
    """
    kinds = input_types(signature)
    return [[_changed(entry, kind, value, which)
             for entry, kind, value in zip(signature['inputs'], kinds, sample)]
            for which in range(len(_BRIGHTNESS))]


def _changed(entry: Mapping[str, Any], kind: str, value: Any, which: int) -> Any:
    if kind == IMAGE_TYPE:
        return _picture(value, which)
    if 'sample' in entry:
        return _OF_A_SAMPLE[which](value)
    source = random.Random(which)
    # The first number differs from that of the others, also where there is no second one.
    if which in _ONES:
        ones = _ONES[which]
        drawn = chain([1 - which % 2], (int(source.random() < ones) for _ in count()))
        return _tensor(value * 2 if which == _LARGER else value, drawn)
    return _tensor(value, chain([_NUMBERS[which % len(_NUMBERS)]],
                                (source.choice(_NUMBERS) for _ in count())))


def _picture(data: bytes, which: int) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        width, height = picture.size
    if which == _LARGER:
        width, height = width + width // 2, height + height // 3
    return noise_picture(width, height, which + 1, _BRIGHTNESS[which])


def _tensor(value: Any, drawn: Iterator[float]) -> Any:
    if isinstance(value, list):
        return [_tensor(item, drawn) for item in value]
    return next(drawn)


def _backwards(value: Any) -> Any:
    return _each(value, lambda text: text[::-1], lambda items: [2 * n for n in items[::-1]], 1)


def _turned(value: Any) -> Any:
    return _each(value, lambda text: text[1:] + text[:1], lambda items: items[1:] + items[:1], 2)


def _longer(value: Any) -> Any:
    return _each(value, lambda text: f'{text} {text}', lambda items: items, 0)


def _larger(value: Any) -> Any:
    return _each(value, lambda text: f'{text[::-1]} {text}', lambda items: [3 * n for n in items],
                 3)


def _smaller(value: Any) -> Any:
    return _each(value, lambda text: text[:len(text) // 2],
                 lambda items: [n // 2 if isinstance(n, int) else -n / 2 for n in items], 4)


_OF_A_SAMPLE = (_backwards, _turned, _longer, _larger, _smaller)


def _each(value: Any, change_text: Callable[[str], str],
          change_numbers: Callable[[list[Any]], list[Any]], more: int) -> Any:
    """`value` with other texts, and other lists of numbers; by so much `more` where these are
    all the same.
    """
    def change(item: Any) -> Any:
        return _each(item, change_text, change_numbers, more)

    if isinstance(value, str):
        return change_text(value)
    if isinstance(value, dict):
        return {key: change(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    if value and all(map(_is_number, value)):
        changed = change_numbers(value)
        return changed if changed != value else [number + more for number in value]
    return [change(item) for item in value]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

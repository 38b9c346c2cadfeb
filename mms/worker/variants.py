"""Requests that differ from a sample as real ones differ from each other."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from typing import Any, Callable

from PIL import Image

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.worker.noise import noise_picture

# Of the brightness of pictures, and of the ones among the zeros of tensors.
_DARK, _BRIGHT = 0.3, 0.8
_SEEDS = (1, 2, 3)


def variants(signature: Mapping[str, Any], sample: list[Any]) -> list[list[Any]]:
    """Three other requests: two of the shapes of `sample`, and one of another size.

    Parameters
    ----------
    signature
        Says which inputs are pictures, and which have a sample of their own.
    sample
        What `_preprocess` takes.

    Returns
    -------
    list
        Pictures of noise, dark and bright; tensors of zeros and ones, few and many, since these
        are valid numbers of words too; a given sample backwards, turned, and of longer texts.
    """
    kinds = input_types(signature)
    return [[_changed(entry, kind, value, which)
             for entry, kind, value in zip(signature['inputs'], kinds, sample)]
            for which in range(len(_SEEDS))]


def _changed(entry: Mapping[str, Any], kind: str, value: Any, which: int) -> Any:
    if kind == IMAGE_TYPE:
        return _picture(value, which)
    if 'sample' in entry:
        return _OF_A_SAMPLE[which](value)
    return _tensor(value * 2 if which == 2 else value, random.Random(_SEEDS[which]),
                   (_DARK, _BRIGHT, _BRIGHT)[which])


def _picture(data: bytes, which: int) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        width, height = picture.size
    if which == 2:
        width, height = width + width // 2, height + height // 3
    return noise_picture(width, height, _SEEDS[which], (_DARK, _BRIGHT, _DARK)[which])


def _tensor(value: Any, source: random.Random, ones: float) -> Any:
    if isinstance(value, list):
        return [_tensor(item, source, ones) for item in value]
    return int(source.random() < ones)


def _backwards(value: Any) -> Any:
    return _each(value, lambda text: text[::-1], lambda items: items[::-1], 1)


def _turned(value: Any) -> Any:
    return _each(value, lambda text: text[1:] + text[:1], lambda items: items[1:] + items[:1], 2)


def _longer(value: Any) -> Any:
    return _each(value, lambda text: f'{text} {text}', lambda items: items, 0)


_OF_A_SAMPLE = (_backwards, _turned, _longer)


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

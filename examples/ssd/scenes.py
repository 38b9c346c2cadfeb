"""Pictures that are made up: some of scikit-learn's digits on a dark ground."""

from __future__ import annotations

from typing import NamedTuple, Optional

import numpy as np
from PIL import Image

from mms.errors import MissingExtraError

HELD_OUT = 397  # of 1797 digits, the last ones
SIDES = (96, 161)  # pixels, of a picture's width and of its height
MOST = 4  # digits in a picture
HEIGHTS = (0.3, 0.5)  # of a digit, of the picture's shorter side
TRIES = 20  # to find a place for a digit that no other one covers
NOISE = 6  # standard deviation of a pixel, of 255


class Scene(NamedTuple):
    """A picture (height, width, 3), uint8, and its objects [class, x, y, width, height]."""

    pixels: np.ndarray
    objects: list[list[int]]


class Digits(NamedTuple):
    """Grey values (N, 8, 8), 0 to 1, and what digit each is."""

    masks: np.ndarray
    labels: np.ndarray


def load_digits() -> tuple[Digits, Digits]:
    """Digits for the pictures to train on, and for those held out.

    Raises
    ------
    MissingExtraError
        scikit-learn is not installed.
    """
    try:
        from sklearn import datasets
    except ImportError as error:
        raise MissingExtraError("scikit-learn's digits", 'examples') from error
    bunch = datasets.load_digits()
    masks = bunch.images / bunch.images.max()
    return (Digits(masks[:-HELD_OUT], bunch.target[:-HELD_OUT]),
            Digits(masks[-HELD_OUT:], bunch.target[-HELD_OUT:]))


def compose(digits: Digits, count: int, seed: int) -> list[Scene]:
    """`count` pictures, the same ones for the same seed."""
    random = np.random.default_rng(seed)
    return [_scene(digits, random) for _ in range(count)]


def _scene(digits: Digits, random: np.random.Generator) -> Scene:
    width, height = random.integers(*SIDES, size=2)
    ground = random.integers(0, 80, size=3)
    pixels = np.tile(ground.astype('float32'), (height, width, 1))
    objects: list[list[int]] = []
    for _ in range(random.integers(1, MOST + 1)):
        number = random.integers(len(digits.labels))
        mask = _scaled(digits.masks[number], random.uniform(*HEIGHTS) * min(width, height))
        place = _free_place(mask.shape, (height, width), objects, random)
        if place is not None:
            x, y = place
            _draw(pixels[y:y + mask.shape[0], x:x + mask.shape[1]], mask,
                  random.integers(150, 256, size=3))
            objects.append([int(digits.labels[number]), x, y, mask.shape[1], mask.shape[0]])
    pixels += NOISE * random.standard_normal(pixels.shape, dtype='float32')
    return Scene(np.clip(pixels, 0, 255).astype('uint8'), objects)


def _scaled(mask: np.ndarray, height: float) -> np.ndarray:
    """The digit without the empty rows and columns around it, so high."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    tight = mask[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
    factor = height / tight.shape[0]
    size = round(tight.shape[1] * factor), round(height)
    grey = Image.fromarray((tight * 255).astype('uint8')).resize(size, Image.BICUBIC)
    return np.asarray(grey, dtype='float32') / 255


def _free_place(shape: tuple[int, ...], canvas: tuple[int, int], objects: list[list[int]],
                random: np.random.Generator) -> Optional[tuple[int, int]]:
    for _ in range(TRIES):
        x = int(random.integers(canvas[1] - shape[1] + 1))
        y = int(random.integers(canvas[0] - shape[0] + 1))
        if all(x + shape[1] <= left or left + width <= x or y + shape[0] <= top
               or top + height <= y for _, left, top, width, height in objects):
            return x, y
    return None


def _draw(region: np.ndarray, mask: np.ndarray, colour: np.ndarray) -> None:
    region += mask[:, :, np.newaxis] * (colour - region)

"""scikit-learn's digits as arrays and as picture files."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from mms.errors import MissingExtraError

HELD_OUT = 397  # of 1797, the last ones: some of the people who wrote them wrote no others
SIDE = 96  # pixels of a picture file; the data set has 8x8, too small to look at


class Digits(NamedTuple):
    """Pictures (N, 8, 8), uint8, white on black, and the digits (N,) that they show."""

    pictures: np.ndarray
    labels: np.ndarray


def load() -> tuple[Digits, Digits]:
    """The digits to train on, and those held out.

    Raises
    ------
    MissingExtraError
        scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtraError("scikit-learn's digits", 'examples') from error
    bunch = load_digits()
    pictures = np.rint(bunch.images * 255 / bunch.images.max()).astype('uint8')
    return (Digits(pictures[:-HELD_OUT], bunch.target[:-HELD_OUT]),
            Digits(pictures[-HELD_OUT:], bunch.target[-HELD_OUT:]))


def write(digits: Digits, folder: Path, names: list[str]) -> None:
    """Write every other picture as JPEG, the others as PNG, each named ``NUMBER_NAME``."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (pixels, label) in enumerate(zip(*digits)):
        suffix = ('jpg', 'png')[number % 2]
        picture = Image.fromarray(pixels).resize((SIDE, SIDE), Image.NEAREST)
        picture.save(folder / f'{number:03}_{names[label]}.{suffix}')

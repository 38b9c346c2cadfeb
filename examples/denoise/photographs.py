"""The two photographs that scikit-learn brings, cut into pieces, with and without noise."""

from __future__ import annotations

import numpy as np

from mms.errors import MissingExtraError

TRAINING, HELD_OUT = 'china.jpg', 'flower.jpg'
NOISE = 25  # standard deviation of a channel, of 255
ROWS, COLUMNS = 3, 4  # of the pieces that the held-out photograph is cut into


def load(name: str) -> np.ndarray:
    """A photograph (427, 640, 3), uint8.

    Raises
    ------
    MissingExtraError
        scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_sample_image
    except ImportError as error:
        raise MissingExtraError("scikit-learn's photographs", 'examples') from error
    return load_sample_image(name)


def patches(photograph: np.ndarray, side: int, count: int, seed: int) -> np.ndarray:
    """Squares from random places, half of them mirrored: (count, 3, side, side), float32."""
    random = np.random.default_rng(seed)
    tops = random.integers(photograph.shape[0] - side, size=count)
    lefts = random.integers(photograph.shape[1] - side, size=count)
    cut = np.stack([photograph[top:top + side, left:left + side]
                    for top, left in zip(tops, lefts)])
    cut[::2] = cut[::2, :, ::-1]
    return cut.transpose(0, 3, 1, 2).astype('float32')


def pieces(photograph: np.ndarray) -> list[np.ndarray]:
    """The whole photograph, cut into `ROWS` times `COLUMNS`."""
    return [piece for row in np.array_split(photograph, ROWS)
            for piece in np.array_split(row, COLUMNS, axis=1)]


def noisy(pixels: np.ndarray, seed: int) -> np.ndarray:
    """`pixels` as a bad camera would take them."""
    random = np.random.default_rng(seed)
    noise = NOISE * random.standard_normal(pixels.shape, dtype='float32')
    return np.rint(np.clip(pixels + noise, 0, 255)).astype('uint8')

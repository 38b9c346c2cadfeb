"""Which old elements a new one is made of when a dimension is resized.

Coordinates, roundings and weights as the ONNX specification of Resize defines them, in
float32 as onnxruntime computes them: in float64, 1 / 0.33333334 lies below 3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mms.from_onnx.numpy_types import Array


class Scheme(NamedTuple):
    """How to resize: the attributes of Resize that say so."""

    mode: str
    coordinates: str
    rounding: str
    cubic_a: float = -0.75
    exclude_outside: bool = False


def taps(scheme: Scheme, length: int, size: int, scale: float) -> tuple[Array, Array]:
    """Numbers of the old elements and their weights, each of shape (size, taps)."""
    where = _coordinates(scheme, length, size, scale)
    if scheme.mode == 'nearest':
        return np.clip(_rounded(where, scheme.rounding), 0, length - 1)[:, None], np.ones((size, 1))
    reach = 1 if scheme.mode == 'linear' else 2
    first = np.floor(where).astype(np.int64)
    offsets = np.arange(1 - reach, reach + 1)
    indices = first[:, None] + offsets[None]
    distances = np.abs(where[:, None] - indices)
    weights = 1 - distances if reach == 1 else _cubic(distances, scheme.cubic_a)
    if scheme.exclude_outside:
        weights = np.where((indices < 0) | (indices >= length), 0, weights)
        weights = weights / weights.sum(axis=1, keepdims=True)
    return np.clip(indices, 0, length - 1), weights


def _coordinates(scheme: Scheme, length: int, size: int, scale: float) -> Array:
    new, ratio = np.arange(size, dtype=np.float32), np.float32(scale)
    if scheme.coordinates == 'asymmetric':
        return new / ratio
    if scheme.coordinates == 'align_corners':
        return new * np.float32(length - 1) / np.float32(max(size - 1, 1))
    if scheme.coordinates == 'pytorch_half_pixel' and size <= 1:
        return np.zeros(size)
    middle = (new + np.float32(0.5)) / ratio - np.float32(0.5)
    if scheme.coordinates == 'half_pixel_symmetric':
        adjustment = size / (scale * length)
        return length / 2 * (1 - adjustment) + middle
    return middle


def _rounded(where: Array, rounding: str) -> Array:
    if rounding == 'round_prefer_floor':
        rounded = np.ceil(where - 0.5)
    elif rounding == 'round_prefer_ceil':
        rounded = np.floor(where + 0.5)
    else:
        rounded = (np.floor if rounding == 'floor' else np.ceil)(where)
    return np.asarray(rounded, np.int64)


def _cubic(distance: Array, a: float) -> Array:
    """Keys' cubic convolution kernel (1981), as the specification writes it."""
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))

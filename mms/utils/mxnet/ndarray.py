"""What an output array says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def top_probability(data: Any, labels: Sequence[str], top: int = 5) -> list[dict[str, Any]]:
    """The most probable classes of the first row, best first.

    Parameters
    ----------
    data
        NDArray of shape (batch, classes), with any further dimensions of
        length 1, or (classes,).
    labels
        One name a class; a class that has no name is left out.
    top
        How many at most.

    Returns
    -------
    list of dict
        ``{'class': str, 'probability': float}``.
    """
    scores = data.asnumpy()
    if scores.ndim > 2:
        scores = np.squeeze(scores, axis=tuple(range(2, scores.ndim)))
    row = scores[0] if scores.ndim == 2 else scores
    best = np.argsort(-row[:len(labels)], kind='stable')[:top]
    return [{'probability': float(row[index]), 'class': labels[index]} for index in best]

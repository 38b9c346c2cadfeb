"""How good boxes are: average precision, as the challenges of object detection define it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

LEAST_OVERLAP = 0.5  # of a box with an object, to count as found


class Found(NamedTuple):
    """One box that was answered, and whether an object is there."""

    score: float
    right: bool


class Quality(NamedTuple):
    """Of all pictures: mean over the classes of average precision; and of all boxes."""

    mean_average_precision: float
    precision: float
    recall: float


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes (x, y, width, height)."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(width, 0) * max(height, 0)
    return common / (one[2] * one[3] + other[2] * other[3] - common) if common else 0.0


def match(boxes: Sequence[Any], objects: Sequence[Any]) -> list[tuple[str, Found]]:
    """Class and verdict of each box [class, score, x, y, width, height] of one picture.

    The best box takes an object first; a second one on the same object is wrong.
    """
    left, matched = list(objects), []
    for label, score, *box in sorted(boxes, key=lambda each: -each[1]):
        best = max((item for item in left if item[0] == label),
                   key=lambda item: overlap(item[1:], box), default=None)
        right = best is not None and overlap(best[1:], box) >= LEAST_OVERLAP
        if right:
            left.remove(best)
        matched.append((label, Found(score, right)))
    return matched


def average_precision(found: Sequence[Found], total: int) -> float:
    """Area under the curve of precision over recall, each precision the best to its right."""
    right = np.array([each.right for each in sorted(found, key=lambda each: -each.score)], bool)
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(best[right].sum() / total)


def quality(answers: Sequence[Sequence[Any]], objects: Sequence[Sequence[Any]]) -> Quality:
    """Of the boxes and the objects [class, x, y, width, height] of the same pictures."""
    found = [item for pair in zip(answers, objects) for item in match(*pair)]
    wanted = [item[0] for each in objects for item in each]
    right = sum(each.right for _, each in found)
    averages = [average_precision([each for label, each in found if label == name],
                                  wanted.count(name)) for name in sorted(set(wanted))]
    return Quality(float(np.mean(averages)), right / max(len(found), 1), right / len(wanted))

"""Scores as classes with names."""

from __future__ import annotations

from typing import Any

from mms.errors import ServiceError
from mms.mxnet_engine.arrays import is_ndarray
from mms.utils.mxnet.ndarray import top_probability

_TOP = 5


def top_classes(service: Any, outputs: Any) -> list[list[dict[str, Any]]]:
    """The five most probable classes of each output, named by the service's labels.

    Parameters
    ----------
    outputs
        One NDArray, or a list of them, each of shape (batch, classes).

    Raises
    ------
    ServiceError
        The service has no labels.
    """
    labels = getattr(service, 'labels', None)
    if labels is None:
        raise ServiceError(f"{type(service).__name__} has no labels: put synset.txt into the "
                           "archive, or set self.labels in the service's __init__")
    return [top_probability(output, labels, top=_TOP)
            for output in ([outputs] if is_ndarray(outputs) else outputs)]

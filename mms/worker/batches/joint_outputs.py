"""Inputs of several requests through one ``_inference``, as far as they fit together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mms.mxnet_engine.arrays import address
from mms.worker.batches.collate import arrays_in, join, layout_of, map_arrays, padded_rows, split
from mms.worker.batches.compare import all_equal, frozen
from mms.worker.batches.scalar_reads import scalar_reads
from mms.worker.batches.state_watch import StateWatch
from mms.worker.batches.verdict import Refused

# Of the numbers of a request that all others are equal to.
_FACTORS = (0.5, 3.0)


def check_memory(values: Sequence[Any]) -> None:
    """See that a hook does not fill one buffer again and again; constants beside new arrays are no
    harm.

    Parameters
    ----------
    values
        What ``_preprocess`` returned for each request; all of it is still there.

    Raises
    ------
    Refused
    """
    places = [{address(array) for array in arrays_in(value)} for value in values]
    if any(place <= other for index, place in enumerate(places) for other in places[:index]):
        raise Refused('its _preprocess returns the same array for every request')


def only_shapes_differ(values: Sequence[Any]) -> bool:
    """Whether all could run together with others, but none with another one of these.

    Raises
    ------
    NotJoinable
    """
    layouts = [layout_of(value) for value in values]
    kinds = {(layout.structure, layout.types) for layout in layouts}
    return len(kinds) == 1 and len({layout.shapes for layout in layouts}) == len(layouts)


def two_differ(values: Sequence[Any]) -> bool:
    """Whether two that could run together hold different numbers.

    Raises
    ------
    NotJoinable
    """
    return any(not all_equal([frozen(values[place]) for place in places])
               for places in _groups(values))


def outputs_together(service: Any, values: Sequence[Any],
                     watch: StateWatch) -> Iterator[tuple[int, Any]]:
    """Run those that fit together, each group with one ``_inference``.

    Parameters
    ----------
    values
        What ``_preprocess`` has returned for each request; no array of two of them lies in the
        same memory.

    Yields
    ------
    int, Any
        The place of a value, and its own part of what ``_inference`` returned, valid until the
        next; those of one group together.

    Raises
    ------
    NotJoinable
        Not even two fit together, or the output cannot be taken apart.
    Refused
        Numbers of all requests were read at once.
    Exception
        What the hook raises.
    """
    groups = _groups(values)
    if not groups:
        # Says what differs.
        join(values)
    for places in groups:
        yield from zip(places, _infer(service, [values[place] for place in places], watch))


def _groups(values: Sequence[Any]) -> list[list[int]]:
    """The places of those that fit together, two at least."""
    groups: dict[Any, list[int]] = {}
    for place, value in enumerate(values):
        groups.setdefault(layout_of(value), []).append(place)
    return [places for places in groups.values() if len(places) > 1]


def _infer(service: Any, values: Sequence[Any], watch: StateWatch) -> list[Any]:
    # What mixes its rows is not seen in rows that are all the same.
    synthetic = [_synthetic_input(values[0], factor) for factor in _FACTORS] if all_equal(
        [frozen(value) for value in values]) else []
    joined = join([*values, *synthetic])
    with watch.during('_inference'), scalar_reads() as shapes:
        output = service._run_inference(joined.value)
    parts = split(output, joined.rows)
    total = padded_rows(joined.rows)
    for shape in shapes:
        if shape[:1] != (total,):
            raise Refused(f'its _inference reads numbers of all requests at once: shape {shape} '
                          f'for {total} rows')
    return parts[:len(values)]


def _synthetic_input(value: Any, factor: float) -> Any:
    """Another request's input, made up: mirrored, and smaller or larger. Whole numbers, which may
    be those of words, are never larger.
    """
    def changed(array: Any) -> Any:
        mirrored = array[..., ::-1] if array.ndim > 1 else array
        whole = np.dtype(array.dtype).kind not in 'fc'
        return (mirrored.astype('float32') * (min(factor, 1.0) if whole else factor)).astype(
            array.dtype)

    return map_arrays(value, changed)



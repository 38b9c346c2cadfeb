"""What a service answers when it has run nothing yet, and whether it still does when it is warm.

A network that remembers its first forward, or a hook that counts, answers otherwise after a
warm-up: such a service is to meet its first real request as it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from mms.archive.sample import copy_of
from mms.model_service.model_service import SingleNodeService
from mms.worker.batches.collate import NotJoinable, arrays_in
from mms.worker.batches.compare import (
    TOGETHER,
    Differs,
    compare_outputs,
    compare_predictions,
    frozen,
)
from mms.worker.batches.joint import defines_inference
from mms.worker.codecs.json_answer import to_json


class FirstAnswer(NamedTuple):
    """An answer.

    Attributes
    ----------
    place
        Which of the requests it answers.
    other
        Another one that was answered after it; itself where there is none.
    output
        A copy of what ``_inference`` returned, if that is arrays; else None.
    prediction
        JSON text.
    advice
        What its author had better know, a line each.
    """

    place: int
    other: int
    output: Any
    prediction: bytes
    advice: tuple[str, ...] = ()


def answer(service: Any, requests: Sequence[list[Any]], place: int) -> FirstAnswer:
    """Run one of `requests` through the hooks of `service`.

    Raises
    ------
    Exception
        What a hook raises.
    """
    inputs = copy_of(requests[place])
    if not isinstance(service, SingleNodeService) or defines_inference(service):
        return FirstAnswer(place, place, None, to_json(service.inference(inputs)))
    service.stage_times_ms = {}
    output = service._run_inference(service._run_preprocess(inputs))
    before = _arrays(output)
    return FirstAnswer(place, place, before, to_json(service._run_postprocess(output)))


def difference(one: FirstAnswer, other: FirstAnswer) -> str:
    """In what two answers to the same request differ; empty if they are the same."""
    try:
        compare_outputs(one.output, other.output)
        compare_predictions(one.prediction, other.prediction)
    except Differs as differs:
        return str(differs).replace(TOGETHER, '')
    return ''


def _arrays(output: Any) -> Any:
    try:
        arrays_in(output)
    except NotJoinable:
        return None
    return frozen(output)

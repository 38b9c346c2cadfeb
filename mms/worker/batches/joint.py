"""Several requests through the hooks at once: one ``_inference`` for all that fit together."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Sequence
from typing import Any, Callable

from mms.ipc.messages import Answer, Request
from mms.log import request_ids
from mms.model_service.model_service import SingleNodeService
from mms.mxnet_engine.reasons import reason_of
from mms.worker.batches.collate import NotJoinable, arrays_in, join, layout_of, split
from mms.worker.codecs.codec import Codec
from mms.worker.devices.device_loss import note_or_raise
from mms.worker.hooks import Turn

logger = logging.getLogger(__name__)

# In the arrays of one batch: 64 pictures of 224x224 have as many. What a network computes of a few
# photographs as a camera takes them fills gigabytes, and a core has enough to do with one.
_MOST_NUMBERS = 10_000_000


def obstacle(service: Any) -> str:
    """Why requests of `service` cannot run together, known without a trial.

    Returns
    -------
    str
        One clause for a log line; empty when only a trial can tell.
    """
    if not isinstance(service, SingleNodeService):
        return 'it is no SingleNodeService'
    if defines_inference(service):
        return 'it defines inference itself'
    if service.batchable is not None and not service.batchable:
        return 'its class says batchable = False'
    return ''


def defines_inference(service: SingleNodeService) -> bool:
    """Whether the hooks are not all that runs, or do not run at all."""
    return inspect.getattr_static(service, 'inference') is not SingleNodeService.inference


def answer_jointly(service: Any, requests: Sequence[Request], codec: Codec,
                   more: Callable[[], Sequence[Request]],
                   complain: Callable[[str], None] = lambda reason: None,
                   answered: Callable[[int, Answer], None] = lambda place, answer: None,
                   flush: Callable[[], None] = lambda: None) -> list[Answer]:
    """Answer all requests, those that fit together with one ``_inference``.

    A request that fails fails alone: when a joint ``_inference`` raises, or what
    it returns cannot be taken apart, each of its requests runs by itself. Not so
    when the device has failed: :class:`DeviceLost` leaves them unanswered.

    Parameters
    ----------
    service
        One for which there is no `obstacle`.
    codec
        Reads the requests, and writes their answers.
    more
        Called when all requests in hand are preprocessed; what it returns joins
        them, until it returns none.
    complain
        Called with the reason when requests fail together of which each succeeds alone.
    answered
        Called with each answer as soon as it is there, and with its place in what is returned.
    flush
        Called before each ``_inference``, for which answers that are there should not wait.

    Returns
    -------
    list of Reply or Failure
        One a request, in order; those of `more` behind `requests`.
    """
    turns: list[Turn] = []
    arrived = requests
    while arrived:
        for request in arrived:
            turn = _preprocessed(service, len(turns), request, codec)
            turns.append(turn)
            if turn.answer is not None:
                answered(turn.place, turn.answer)
                flush()
        arrived = more()
    for group in _groups(turns):
        flush()
        _infer(service, group, complain)
        # Before the next group: a Module's outputs are valid until its next forward.
        for turn in group:
            turn.postprocess()
            assert turn.answer is not None
            answered(turn.place, turn.answer)
    answers = [turn.answer for turn in turns if turn.answer is not None]
    assert len(answers) == len(turns)
    return answers


def infer_together(service: Any, values: Sequence[Any]) -> list[Any]:
    """Run ``_inference`` once; what it returned, one a value.

    Raises
    ------
    NotJoinable
    Exception
        Whatever the hook raises.
    """
    joined = join(values)
    return split(service._run_inference(joined.value), joined.rows)


def _preprocessed(service: Any, place: int, request: Request, codec: Codec) -> Turn:
    turn = Turn(service, place)
    turn.preprocess(request, codec)
    return turn


def _groups(turns: Sequence[Turn]) -> list[list[Turn]]:
    """Those that fit together; what fits with nothing is a group of one."""
    groups: dict[Any, list[Turn]] = {}
    for turn in turns:
        if turn.answer is None:
            groups.setdefault(_fit(turn), []).append(turn)
    return [piece for group in groups.values() for piece in _pieces(group)]


def _pieces(group: list[Turn]) -> list[list[Turn]]:
    """The group, cut where a batch would hold more than `_MOST_NUMBERS`."""
    if len(group) == 1:
        return [group]
    pieces: list[list[Turn]] = [[]]
    room = _MOST_NUMBERS
    for turn in group:
        numbers = sum(array.size for array in arrays_in(turn.value))
        if numbers > room and pieces[-1]:
            pieces.append([])
            room = _MOST_NUMBERS
        pieces[-1].append(turn)
        room -= numbers
    return pieces


def _fit(turn: Turn) -> Any:
    try:
        layout = layout_of(turn.value)
        hash(layout)
    except (NotJoinable, TypeError):
        return id(turn)
    return layout


def _infer(service: Any, group: Sequence[Turn], complain: Callable[[str], None]) -> None:
    failure = _infer_joined(service, group) if len(group) > 1 else ''
    if not failure and len(group) > 1:
        return
    # The joined arrays were copies: what _preprocess returned is untouched.
    for turn in group:
        turn.infer()
    if failure:
        logger.debug('%d requests were run one by one: %s', len(group), failure)
        if all(turn.answer is None for turn in group):
            complain(failure)


def _infer_joined(service: Any, group: Sequence[Turn]) -> str:
    """Why the requests could not run together; an empty string when they have."""
    service.stage_times_ms = group[0].times_ms
    request_ids.take([turn.context for turn in group])
    start = time.perf_counter()
    try:
        outputs = infer_together(service, [turn.value for turn in group])
    except NotJoinable as error:
        return str(error)
    except BaseException as error:
        note_or_raise(error)
        return f'it fails when run together: {reason_of(error)}'
    elapsed_ms = (time.perf_counter() - start) * 1000
    for turn, output in zip(group, outputs):
        turn.value = output
        turn.times_ms['inference'] = elapsed_ms
    return ''

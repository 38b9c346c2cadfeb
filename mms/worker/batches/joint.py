"""Several requests through the hooks at once: one ``_inference`` for all that fit together."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Sequence
from typing import Any, Callable, Optional

from mms.ipc.request import Answer, Request
from mms.log import request_ids
from mms.model_service.model_service import SingleNodeService
from mms.mxnet_engine.reasons import reason_of
from mms.worker.batches.collate import Flat, NotJoinable, flat, join_flat, split
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
        Called before each ``_inference``, for which answers that are there should not wait, and
        behind it: its time is that of no single answer.

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
        flush()
        # Before the next group: a Module's outputs are valid until its next forward.
        for turn in group.turns:
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
    return _infer_flat(service, list(map(flat, values)))


def _infer_flat(service: Any, values: Sequence[Flat]) -> list[Any]:
    joined = join_flat(values)
    return split(service._run_inference(joined.value), joined.rows)


def _preprocessed(service: Any, place: int, request: Request, codec: Codec) -> Turn:
    turn = Turn(service, place)
    turn.preprocess(request, codec)
    return turn


class _Group:
    """Requests that are preprocessed, and fit together.

    Attributes
    ----------
    turns
        One each.
    values
        What they are to be joined of, until that is done; none for a request that fits with
        nothing.
    """

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.values: list[Flat] = []

    def add(self, turn: Turn, value: Optional[Flat]) -> None:
        """Take one more."""
        self.turns.append(turn)
        if value is not None:
            self.values.append(value)


def _groups(turns: Sequence[Turn]) -> list[_Group]:
    """Those that fit together; what fits with nothing is a group of one."""
    groups: dict[Any, _Group] = {}
    for turn in turns:
        if turn.answer is None:
            value = _flat(turn.value)
            fits = id(turn) if value is None else value.layout
            groups.setdefault(fits, _Group()).add(turn, value)
    return [piece for group in groups.values() for piece in _pieces(group)]


def _pieces(group: _Group) -> list[_Group]:
    """The group, cut where a batch would hold more than `_MOST_NUMBERS`."""
    if len(group.turns) == 1:
        return [group]
    pieces = [_Group()]
    room = _MOST_NUMBERS
    for turn, value in zip(group.turns, group.values):
        if value.numbers > room and pieces[-1].turns:
            pieces.append(_Group())
            room = _MOST_NUMBERS
        pieces[-1].add(turn, value)
        room -= value.numbers
    return pieces


def _flat(value: Any) -> Optional[Flat]:
    try:
        found = flat(value)
        hash(found.layout)
    except (NotJoinable, TypeError):
        return None
    return found


def _infer(service: Any, group: _Group, complain: Callable[[str], None]) -> None:
    turns = group.turns
    failure = _infer_joined(service, group) if len(turns) > 1 else ''
    if not failure and len(turns) > 1:
        return
    # The joined arrays were copies: what _preprocess returned is untouched.
    for turn in turns:
        turn.infer()
    if failure:
        logger.debug('%d requests were run one by one: %s', len(turns), failure)
        if all(turn.answer is None for turn in turns):
            complain(failure)


def _infer_joined(service: Any, group: _Group) -> str:
    """Why the requests could not run together; an empty string when they have."""
    turns = group.turns
    service.stage_times_ms = turns[0].times_ms
    request_ids.take([turn.context for turn in turns])
    start = time.perf_counter()
    try:
        outputs = _infer_flat(service, group.values)
    except NotJoinable as error:
        return str(error)
    except BaseException as error:
        note_or_raise(error)
        return f'it fails when run together: {reason_of(error)}'
    finally:
        group.values = []
    elapsed_ms = (time.perf_counter() - start) * 1000
    for turn, output in zip(turns, outputs):
        turn.value = output
        turn.times_ms['inference'] = elapsed_ms
    return ''

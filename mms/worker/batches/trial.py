"""A trial: do real requests get the same from ``_inference`` when they run together?

The hooks answer one request after the other first. Nothing of that is done again but
``_inference``, on copies of what ``_preprocess`` had returned: a hook that writes to a
database writes once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

from mms.ipc.request import Answer, Reply, Request
from mms.log import request_ids
from mms.mxnet_engine.arrays import copied
from mms.mxnet_engine.reasons import reason_of
from mms.worker.batches.collate import NotJoinable, arrays_in, layout_of
from mms.worker.batches.compare import Differs, compare_outputs, frozen
from mms.worker.batches.joint_outputs import check_memory, only_shapes_differ, outputs_together
from mms.worker.batches.state_watch import StateWatch
from mms.worker.batches.verdict import Outcome, Refused, Verdict
from mms.worker.codecs.codec import Codec
from mms.worker.devices.device_loss import is_lost, note_or_raise
from mms.worker.hooks import Turn
from mms.worker.outbox import Outbox


def answer_and_compare(service: Any, requests: Sequence[Request], codec: Codec,
                       outbox: Outbox) -> Verdict:
    """Answer each request alone, then run ``_inference`` for all of them and compare.

    Raises nothing but :class:`DeviceLost`. The joint run begins when all answers are sent, and
    only if the runs alone gave no reason against it.

    Parameters
    ----------
    service
        One that runs the three hooks, for which :func:`mms.worker.batches.joint.obstacle` finds
        none.
    codec
        Reads the requests, and writes their answers.
    outbox
        Takes the answers.

    Returns
    -------
    Verdict
        ``INCONCLUSIVE`` when fewer than two requests succeeded alone, or no two had the same
        shapes.
    """
    trial = _Trial(service, codec)
    with trial.watch:
        for place, request in enumerate(requests):
            outbox.put(place, trial.answer_alone(request, place))
            outbox.flush()
        request_ids.take([request.context for request in requests])
        return trial.verdict()


class _Trial:
    def __init__(self, service: Any, codec: Codec) -> None:
        self._service = service
        self._codec = codec
        # As they were returned: what fills one buffer again and again shows in them.
        self._originals: list[Any] = []
        self._values: list[Any] = []
        self._outputs: list[Any] = []
        self._unjoinable = ''
        self.watch = StateWatch(service, notes_writes=False)

    def answer_alone(self, request: Request, place: int) -> Answer:
        turn = Turn(self._service, place)
        with self.watch.during('_preprocess'):
            turn.preprocess(request, self._codec)
        if turn.answer is None:
            self._originals.append(turn.value)
        value = self._kept(turn, layout_of, copied)
        with self.watch.during('_inference'):
            turn.infer()
        output = self._kept(turn, arrays_in, frozen)
        with self.watch.during('_postprocess'):
            turn.postprocess()
        answer = turn.answer
        assert answer is not None
        if isinstance(answer, Reply):
            self._values.append(value)
            self._outputs.append(output)
        return answer

    def verdict(self) -> Verdict:
        """What all runs showed, after running those together that nothing speaks against."""
        if is_lost():
            return Verdict(Outcome.INCONCLUSIVE, 'the device failed')
        reason = self.watch.found
        if not reason and len(self._values) < 2:
            return Verdict(Outcome.INCONCLUSIVE, 'fewer than two requests were answered')
        reason = reason or self._unjoinable
        if not reason and only_shapes_differ(self._values):
            return Verdict(Outcome.INCONCLUSIVE, 'no two requests had the same shapes')
        reason = reason or self._run_together() or self.watch.found
        return Verdict(Outcome.REFUSED, reason) if reason else Verdict(Outcome.EQUAL)

    def _kept(self, turn: Turn, check: Callable[[Any], Any], keep: Callable[[Any], Any]) -> Any:
        """What the hook returned, as it is now; None if it cannot be joined anyhow."""
        if turn.answer is not None:
            return None
        try:
            check(turn.value)
            return keep(turn.value)
        except NotJoinable as error:
            self._unjoinable = self._unjoinable or str(error)
        except BaseException as error:
            note_or_raise(error)
            self._unjoinable = f'its arrays cannot be read: {reason_of(error)}'
        return None

    def _run_together(self) -> str:
        """Why the joint run does not do; an empty string when it gave the same outputs."""
        self._service.stage_times_ms = {}
        try:
            check_memory(self._originals)
            for place, output in outputs_together(self._service, self._values, self.watch):
                compare_outputs(self._outputs[place], frozen(output))
        except (NotJoinable, Differs, Refused) as error:
            return str(error)
        except BaseException as error:
            note_or_raise(error)
            return f'it fails when run together: {reason_of(error)}'
        return ''

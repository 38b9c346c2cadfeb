"""A trial: do requests get the same answers when they run together?

The requests run one by one first, which is what answers them: a service that keeps
something of a request on itself is then found out before it can mix two of them up.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any, Callable, NamedTuple

from mms.messages import Reply, Request
from mms.model_service.arrays import address
from mms.model_service.reasons import reason_of
from mms.worker.axis import (
    NotJoinable,
    arrays_in,
    join,
    layout_of,
    map_arrays,
    padded_rows,
    split,
)
from mms.worker.compare import (
    Differs,
    all_equal,
    compare_outputs,
    compare_predictions,
    frozen,
)
from mms.worker.encode import to_json
from mms.worker.hooks import Answer, InputsOf, Turn, answer_alone
from mms.worker.joint import obstacle
from mms.worker.readings import readings
from mms.worker.watch import Watch


class Outcome(enum.Enum):
    """What a trial showed."""

    EQUAL = 'equal'
    INCONCLUSIVE = 'inconclusive'
    REFUSED = 'refused'


class Verdict(NamedTuple):
    """What a trial showed, and why not more.

    Attributes
    ----------
    reason
        One clause that a log line can end with; empty when the answers are equal.
    differed
        Whether the requests that were compared with each other differ at all.
    """

    outcome: Outcome
    reason: str = ''
    differed: bool = False


class _Refused(Exception):
    """The reason in one clause."""


class _Run(NamedTuple):
    """A request that was answered alone, with copies of what its hooks returned."""

    request: Request
    value: Any
    output: Any
    prediction: bytes


def try_both_ways(service: Any, requests: Sequence[Request],
                  inputs_of: InputsOf) -> tuple[list[Answer], Verdict]:
    """Answer each request alone, then run them together and compare.

    Never raises. The joint run happens only if the runs alone gave no reason
    against it; whatever happens in it, the answers are those of the runs alone.

    Parameters
    ----------
    service
        One that runs the three hooks; for any other the answers are right too,
        and the verdict is its `obstacle`.
    inputs_of
        Makes of a request what ``_preprocess`` takes; raises RequestError. Called
        twice for each.

    Returns
    -------
    list of Reply or Failure
        One a request, in order.
    Verdict
        ``EQUAL``; ``INCONCLUSIVE`` when nothing was compared, since fewer than two
        requests succeeded alone, or no two had the same shapes; ``REFUSED`` with the
        reason.
    """
    reason = obstacle(service)
    if reason:
        answers = [answer_alone(service, request, inputs_of) for request in requests]
        return answers, Verdict(Outcome.REFUSED, reason)
    trial = _Trial(service, inputs_of)
    with trial.watch:
        answers = [trial.answer_alone(request) for request in requests]
        verdict = trial.verdict()
    return answers, verdict


class _Trial:
    def __init__(self, service: Any, inputs_of: InputsOf) -> None:
        self._service = service
        self._inputs_of = inputs_of
        self._runs: list[_Run] = []
        self._unjoinable = ''
        self._differed = False
        self.watch = Watch(service)

    def answer_alone(self, request: Request) -> Answer:
        turn = Turn(self._service)
        with self.watch.during('_preprocess'):
            turn.preprocess(lambda: self._inputs_of(request))
        value = self._copied(turn, layout_of)
        with self.watch.during('_inference'):
            turn.infer()
        output = self._copied(turn, arrays_in)
        with self.watch.during('_postprocess'):
            turn.postprocess()
        answer = turn.answer
        assert answer is not None
        if isinstance(answer, Reply):
            self._runs.append(_Run(request, value, output, answer.prediction))
        return answer

    def verdict(self) -> Verdict:
        """What all runs showed, after running those together that nothing speaks against."""
        reason = self.watch.found
        if not reason and len(self._runs) < 2:
            return Verdict(Outcome.INCONCLUSIVE, 'fewer than two requests were answered')
        reason = reason or self._unjoinable
        if not reason and _only_shapes_differ(self._runs):
            return Verdict(Outcome.INCONCLUSIVE, 'no two requests had the same shapes')
        reason = reason or self._run_together() or self.watch.found
        if reason:
            return Verdict(Outcome.REFUSED, reason)
        return Verdict(Outcome.EQUAL, differed=self._differed)

    def _copied(self, turn: Turn, check: Callable[[Any], Any]) -> Any:
        """What the hook returned, as it is now; None if it cannot be joined anyhow."""
        if turn.answer is not None:
            return None
        try:
            check(turn.value)
            return frozen(turn.value)
        except NotJoinable as error:
            self._unjoinable = self._unjoinable or str(error)
        except BaseException as error:
            self._unjoinable = f'its arrays cannot be read: {reason_of(error)}'
        return None

    def _run_together(self) -> str:
        """Why the joint run does not do; an empty string when it gave the same answers."""
        try:
            self._service.stage_times_ms = {}
            values = [self._preprocess_again(run) for run in self._runs]
            _check_memory(values)
            for run, value in zip(self._runs, values):
                _check_value(run, value)
            groups = _groups(self._runs, values)
            if not groups:
                # Says what differs.
                join(values)
            for members in groups:
                self._compare_group([run for run, _ in members], [value for _, value in members])
        except (NotJoinable, Differs, _Refused) as error:
            return str(error)
        except BaseException as error:
            return f'it fails when run together: {reason_of(error)}'
        return ''

    def _preprocess_again(self, run: _Run) -> Any:
        with self.watch.during('_preprocess'):
            return self._service._run_preprocess(self._inputs_of(run.request))

    def _compare_group(self, runs: Sequence[_Run], values: list[Any]) -> None:
        for run, output in zip(runs, self._infer(runs, values)):
            compare_outputs(run.output, frozen(output))
            with self.watch.during('_postprocess'):
                prediction = to_json(self._service._run_postprocess(output))
            compare_predictions(run.prediction, prediction)

    def _infer(self, runs: Sequence[_Run], values: list[Any]) -> list[Any]:
        # What mixes its rows is not seen in rows that are all the same.
        alike = all_equal([run.value for run in runs])
        self._differed = self._differed or not alike
        strangers = [_stranger(values[0])] if alike else []
        joined = join([*values, *strangers])
        with self.watch.during('_inference'), readings() as shapes:
            output = self._service._run_inference(joined.value)
        parts = split(output, joined.rows)
        total = padded_rows(joined.rows)
        for shape in shapes:
            if shape[:1] != (total,):
                raise _Refused(f'its _inference reads numbers of all requests at once: shape '
                               f'{shape} for {total} rows')
        return parts


def _only_shapes_differ(runs: Sequence[_Run]) -> bool:
    """Whether all could run together with others, but none with another one of these."""
    layouts = [layout_of(run.value) for run in runs]
    kinds = {(layout.structure, layout.types) for layout in layouts}
    return len(kinds) == 1 and len({layout.shapes for layout in layouts}) == len(layouts)


def _groups(runs: Sequence[_Run], values: Sequence[Any]) -> list[list[tuple[_Run, Any]]]:
    """Those that fit together, two at least."""
    groups: dict[Any, list[tuple[_Run, Any]]] = {}
    for run, value in zip(runs, values):
        groups.setdefault(layout_of(value), []).append((run, value))
    return [group for group in groups.values() if len(group) > 1]


def _check_value(run: _Run, value: Any) -> None:
    if not all_equal([run.value, frozen(value)]):
        raise _Refused('its _preprocess returns other values when other requests come between')


def _check_memory(values: Sequence[Any]) -> None:
    """A hook that fills one buffer again and again; constants beside new arrays are no harm."""
    places = [{address(array) for array in arrays_in(value)} for value in values]
    if any(place <= other for index, place in enumerate(places) for other in places[:index]):
        raise _Refused('its _preprocess returns the same array for every request')


def _stranger(value: Any) -> Any:
    """Another request's input, made up: mirrored, and half as large, so every number is one
    that the service could have met.
    """
    def changed(array: Any) -> Any:
        mirrored = array[..., ::-1] if array.ndim > 1 else array
        return (mirrored.astype('float32') * 0.5).astype(array.dtype)

    return map_arrays(value, changed)

"""Proof on made-up requests that a service's requests may run together.

It is made before the first real request, in a process that is thrown away: all hooks run
twice, so what a service carries from one hook to the next, wherever it keeps it, shows in the
answers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any, NamedTuple

from mms.archive.sample import copy_of
from mms.mxnet_engine.reasons import RAISED, reason_of
from mms.worker.batches.collate import NotJoinable, arrays_in, layout_of
from mms.worker.batches.compare import (
    Differs,
    all_equal,
    compare_outputs,
    compare_predictions,
    frozen,
)
from mms.worker.batches.joint_outputs import check_memory, outputs_together, two_differ
from mms.worker.batches.state_watch import StateWatch
from mms.worker.batches.verdict import Outcome, Refused, Verdict
from mms.worker.codecs.json_answer import to_json

# Requests that take longer in all are not run together as many as there may be.
_MOMENT_S = 5.0


class _Run(NamedTuple):
    """A request that was answered alone, with copies of what its hooks returned."""

    inputs: list[Any]
    value: Any
    output: Any
    prediction: bytes


def prove(service: Any, requests: Sequence[list[Any]], most: int = 2) -> Verdict:
    """Run the hooks for each request alone, then for all together, and compare.

    Never raises. Together means: first ``_preprocess`` of each, then one ``_inference``, then
    ``_postprocess`` of each.

    Parameters
    ----------
    service
        One that runs the three hooks, for which :func:`mms.worker.batches.joint.obstacle` finds
        none.
    requests
        What ``_preprocess`` takes, of several requests, of which some may be refused.
    most
        As many as a batch may have.

    Returns
    -------
    Verdict
        ``INCONCLUSIVE`` when there are no two requests that differ, are answered and have the
        same shapes.
    """
    proof = _Proof(service, most)
    with proof.watch:
        for inputs in requests:
            proof.run_alone(inputs)
        return proof.verdict()


class _Proof:
    def __init__(self, service: Any, most: int) -> None:
        self._service = service
        self._most = most
        # Of the latest request, alone.
        self._took_s = 0.0
        self._runs: list[_Run] = []
        self._unjoinable = ''
        self.watch = StateWatch(service)

    def run_alone(self, inputs: list[Any]) -> None:
        """One that is refused shows nothing."""
        service, self._service.stage_times_ms = self._service, {}
        began = time.monotonic()
        try:
            with self.watch.during('_preprocess'):
                value = service._run_preprocess(copy_of(inputs))
            before = frozen(value)
            with self.watch.during('_inference'):
                output = service._run_inference(value)
            between = frozen(output)
            with self.watch.during('_postprocess'):
                prediction = to_json(service._run_postprocess(output))
        except RAISED:
            return
        self._took_s = time.monotonic() - began
        self._runs.append(_Run(inputs, before, between, prediction))
        self._check_joinable(value, output)

    def verdict(self) -> Verdict:
        """What all runs showed, after running those together that nothing speaks against."""
        reason = self.watch.found
        if not reason and len(self._runs) < 2:
            return Verdict(Outcome.INCONCLUSIVE, 'it answers no two made-up requests')
        reason = reason or self._unjoinable or self._run_together() or self.watch.found
        if reason:
            return Verdict(Outcome.REFUSED, reason)
        if not two_differ([run.value for run in self._runs]):
            return Verdict(Outcome.INCONCLUSIVE,
                           'no two made-up requests differ and have the same shapes')
        return Verdict(Outcome.EQUAL)

    def _check_joinable(self, value: Any, output: Any) -> None:
        try:
            layout_of(value)
            arrays_in(output)
        except NotJoinable as error:
            self._unjoinable = self._unjoinable or str(error)
        except BaseException as error:
            self._unjoinable = f'its arrays cannot be read: {reason_of(error)}'

    def _run_together(self) -> str:
        """Why the joint run does not do; an empty string when it gave the same answers."""
        try:
            if not two_differ([run.value for run in self._runs]):
                return ''
            values = [self._preprocess_again(run) for run in self._runs]
            check_memory(values)
            for run, value in zip(self._runs, values):
                _check_value(run, value)
            for place, output in outputs_together(self._service, values, self.watch):
                self._compare(self._runs[place], output)
            self._run_many_together()
        except (NotJoinable, Differs, Refused) as error:
            return str(error)
        except BaseException as error:
            return f'it fails when run together: {reason_of(error)}'
        return ''

    def _run_many_together(self) -> None:
        """As many as a batch may have, where that takes a moment; these are some of them again."""
        if self._took_s * self._most > _MOMENT_S:
            return
        runs = list(islice(cycle(self._runs), self._most))
        values = [self._preprocess_again(run) for run in runs]
        for place, output in outputs_together(self._service, values, self.watch):
            compare_outputs(runs[place].output, frozen(output))

    def _preprocess_again(self, run: _Run) -> Any:
        with self.watch.during('_preprocess'):
            return self._service._run_preprocess(copy_of(run.inputs))

    def _compare(self, run: _Run, output: Any) -> None:
        compare_outputs(run.output, frozen(output))
        with self.watch.during('_postprocess'):
            prediction = to_json(self._service._run_postprocess(output))
        compare_predictions(run.prediction, prediction)


def _check_value(run: _Run, value: Any) -> None:
    if not all_equal([run.value, frozen(value)]):
        raise Refused('its _preprocess returns other values when other requests come between')


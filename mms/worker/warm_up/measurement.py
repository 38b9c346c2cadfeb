"""What pays for a service that answers, and whether its requests may run together."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Callable, Optional

from mms.ipc.findings import Findings, Fusion
from mms.ipc.messages import Load
from mms.mxnet_engine.reasons import RAISED, reason_of
from mms.runtime.private_memory import trim_malloc
from mms.worker.processes.disposable_fork import ForkFailed, run_in_fork
from mms.worker.warm_up.batch_limit import allowed_batch_size
from mms.worker.warm_up.first_answer import FirstAnswer, answer, difference
from mms.worker.warm_up.made_up_requests import MadeUpRequests
from mms.worker.warm_up.own_time import OwnTime
from mms.worker.warm_up.warm_up import MOST_TOGETHER, WarmUp
from mms.worker.warm_up.warm_up_report import WarmUpReport

logger = logging.getLogger(__name__)

# A share of the time in which a core is wanted. Next to nobody it is 1 to 2 in 100.
_DISTURBED = 0.15
# Each of what is tried in a process that is thrown away. Without MXNet nothing has to be compiled,
# and a model that hangs is not waited for as long.
_TRIAL_TIMEOUT_S = 40.0
_TRIAL_TIMEOUT_WITHOUT_MXNET_S = 10.0


def trial_timeout_s() -> float:
    """How long what is tried in a process that is thrown away may take."""
    return _TRIAL_TIMEOUT_S if 'mxnet' in sys.modules else _TRIAL_TIMEOUT_WITHOUT_MXNET_S


class Measurement:
    """Measures what pays, and proves that it changes no answer.

    Parameters
    ----------
    service
        Its answers are compared with the first that it gave.
    load
        What this process was told to load, and how.
    made_up
        Requests for it.
    """

    def __init__(self, service: Any, load: Load, made_up: MadeUpRequests) -> None:
        self._service = service
        self._load = load
        self._made_up = made_up

    def answer(self, report: WarmUpReport) -> None:
        """Run it with inputs that it answers."""
        first = report.first_answer
        assert first is not None
        if _runs(report, self.work(first.other, self._load.threads).answer):
            report.sample = self._made_up.requests[first.other]

    def measure(self, report: WarmUpReport) -> None:
        """Measure what pays with inputs that it answers."""
        first = report.first_answer
        if first is None or report.sample is None:
            return
        # A process of its own has the number of threads that it was started with.
        threads = self._load.threads[:1] if report.unforkable else self._load.threads
        work = self.work(first.other, threads)
        if _runs(report, work.measure):
            report.findings = self._findings(work)
            report.levels, report.batch_size = work.levels, report.findings.batch_size

    def in_steps(self, report: WarmUpReport, known: Optional[Findings]) -> Iterator[WarmUpReport]:
        """What is found out in a fork of this process, which ends then.

        First whether requests may run together, which gains most under load: that is told while the
        rest is not known yet. It is found out again where networks get other forms.

        Parameters
        ----------
        report
            What was found before.
        known
            What was measured before; None to measure.
        """
        first = report.first_answer
        assert first is not None
        report, work = replace(report), self.work(first.other, self._load.threads)
        began_s = time.thread_time()
        with OwnTime() as own:
            self._find_batches(report, work, known)
            if report.sample is not None:
                yield replace(report)
                self._find_rest(report, work, known)
            if report.spoiled:
                self.allow_batches(report)
        computed_s = time.thread_time() - began_s
        report.disturbed = own.waited_s > _DISTURBED * (own.waited_s + computed_s)
        report.is_measured = True
        yield report

    def fuse_as_known(self, report: WarmUpReport) -> None:
        """Give the networks the forms that this process was told."""
        first = report.first_answer
        assert first is not None
        work = self.work(first.other, self._load.threads)
        _runs(report, lambda: work.fuse(self._load.fused))

    def fuse(self, report: WarmUpReport, forms: Sequence[Fusion]) -> bool:
        """Give the networks forms that are faster, unless this changes an answer; whether any has
        another form now.
        """
        first = report.first_answer
        if first is None or report.sample is None or 'mxnet' not in sys.modules:
            return False
        from mms.worker.warm_up.fusion import fused_forms, unfuse

        before = fused_forms(self._service)
        try:
            self.work(first.other, self._load.threads).fuse(forms)
            changed = self._changed(first)
        except RAISED as error:
            changed = reason_of(error)
        if changed:
            logger.warning('Model %s is not fused: %s.', self._load.endpoint, changed)
            unfuse(self._service)
        return set(fused_forms(self._service)) != set(before)

    def compare(self, report: WarmUpReport) -> None:
        """See whether it still answers as it did when it was new."""
        first = report.first_answer
        if report.spoiled or first is None or report.sample is None:
            return
        # A fork of a process whose hooks have started threads would wait for them.
        changed = self._changed_here(first) if report.unforkable else self._changed(first)
        if changed:
            report.spoiled = f'it remembers what it has answered: {changed} after other requests'

    def allow_batches(self, report: WarmUpReport) -> None:
        """Find out how many requests may run together of those that it pays for."""
        report.batch_size, report.why_alone = allowed_batch_size(
            self._service, self._load, report, self._made_up, trial_timeout_s())

    def work(self, place: int, threads: Sequence[int]) -> WarmUp:
        """Its first runs, with one of the made-up requests."""
        return WarmUp(self._load.endpoint, self._service, self._made_up.requests[place], threads,
                      self._load.optimize, self._load.batch_size)

    def _find_batches(self, report: WarmUpReport, work: WarmUp,
                      known: Optional[Findings]) -> None:
        """Find out whether requests may run together on the networks as they are."""
        if known is not None:
            work.batch_size = known.batch_size
        elif not _runs(report, work.measure_sizes):
            return
        self._prove(report, work)

    def _find_rest(self, report: WarmUpReport, work: WarmUp, known: Optional[Findings]) -> None:
        """Find out on how many threads it computes best, and in which forms its networks do."""
        before = set(work.forms)
        # What batches have left behind would hide how much memory a form takes.
        trim_malloc()
        if not _runs(report, lambda: work.take(known) if known else work.measure_forms()):
            return
        if set(work.forms) == before:
            self.compare(report)
        elif known is not None or _runs(report, work.measure_sizes):
            self._prove(report, work)
        report.levels, report.findings = work.levels, self._findings(work)

    def _prove(self, report: WarmUpReport, work: WarmUp) -> None:
        report.batch_size = self._findings(work).batch_size
        self.compare(report)
        self.allow_batches(report)

    def _findings(self, work: WarmUp) -> Findings:
        most = self._load.batch_size or MOST_TOGETHER
        return Findings(work.levels, min(work.batch_size or most, most), work.fused)

    def _changed_here(self, first: FirstAnswer) -> str:
        """In what it answers otherwise than when it was new, by chance or not."""
        try:
            return difference(first, self._answer(first.place))
        except RAISED as error:
            return f'it refuses what it has answered ({reason_of(error)})'

    def _changed(self, first: FirstAnswer) -> str:
        """In what it answers otherwise than when it was new, and not by chance."""
        try:
            now = run_in_fork(lambda: self._answer(first.place), _TRIAL_TIMEOUT_S)
            changed = difference(first, now)
            if changed and not difference(now, run_in_fork(
                    lambda: self._answer(first.place), _TRIAL_TIMEOUT_S, reseed=True)):
                return changed
        except ForkFailed as error:
            return f'it does not answer ({error})'
        return ''

    def _answer(self, place: int) -> FirstAnswer:
        return answer(self._service, self._made_up.requests, place)


def _runs(report: WarmUpReport, work: Callable[[], None]) -> bool:
    """Whether it runs; else nothing is run any more."""
    try:
        work()
    except RAISED as error:
        logger.debug('The warm-up fails', exc_info=True)
        report.spoiled = f'it refuses what it has answered ({reason_of(error)})'
        report.sample = None
        return False
    return True

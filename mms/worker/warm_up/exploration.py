"""What a process finds out about its model before it takes requests."""

from __future__ import annotations

import gc
import logging
import os
import sys
from contextlib import suppress
from typing import Any, Callable, Optional, Union

from mms.devices.device import GPU
from mms.errors import ServiceError
from mms.ipc.messages import Load
from mms.mxnet_engine.reasons import RAISED, reason_of
from mms.worker.devices.cuda_errors import is_device_error, is_out_of_memory
from mms.worker.loading.live_signature import signature_of
from mms.worker.processes.disposable_fork import ForkFailed, ForkTimedOut, run_in_fork
from mms.worker.processes.fork_safety import Baseline
from mms.worker.warm_up.answer_advice import advice_on
from mms.worker.warm_up.first_answer import FirstAnswer, answer
from mms.worker.warm_up.made_up_requests import MadeUpRequests
from mms.worker.warm_up.measurement import Measurement, trial_timeout_s
from mms.worker.warm_up.refusal import Refusal, is_all_built_in, refusal_of
from mms.worker.warm_up.warm_up import prime_opencv
from mms.worker.warm_up.warm_up_report import WarmUpReport

logger = logging.getLogger(__name__)

# A fork that does nothing is there, and gone, in some milliseconds.
_FORK_S = 5.0
_NOT_MEASURED = 'it is not measured yet'


class Exploration:
    """Finds out whether a service answers, and has it measured what pays and is allowed.

    Where the front wants this later, and the process can be forked, it answers first, and what pays
    is measured in a fork. A process that cannot be forked, and that is not told what another has
    found, is spent afterwards: what is tried in forks elsewhere, it tries in itself.

    Parameters
    ----------
    make
        Makes the service.
    load
        What this process was told to load, and how.

    Attributes
    ----------
    service
        That was made. To compare its answers, there may be another one at the end.
    signature
        The live one, from which requests are made up.

    Raises
    ------
    ServiceError
        What `make` raises.
    """

    def __init__(self, make: Callable[[], Any], baseline: Baseline, load: Load) -> None:
        self._make = make
        self._baseline = baseline
        self._load = load
        self._model = load.endpoint
        self.service = make()
        # It has answered nothing in this process.
        self._is_new = True
        self.signature = signature_of(self.service)
        self._made_up = MadeUpRequests(self.service, self.signature)
        self._why_unforkable = self._unforkable()

    @property
    def measurement(self) -> Measurement:
        """What its service can be measured by."""
        return Measurement(self.service, self._load, self._made_up)

    @property
    def measures(self) -> bool:
        """Whether :meth:`run` measures what pays, as far as is known before it."""
        return not self._load.later or bool(self._why_unforkable)

    def run(self) -> WarmUpReport:
        """Do so; the first requests of the service are made up here.

        Raises
        ------
        ServiceError
            It answers no request, as far as can be known; or, where the user wants this to be
            strict, none that could be made up.
        """
        report = WarmUpReport(unforkable=self._why_unforkable)
        if self._load.answered is not None:
            report.answers_samples = self._made_up.is_as_described(self._load.answered)
        if self._load.warm_up and self._load.explored:
            self._warm_up_as_known(report)
        elif self._load.warm_up:
            self._explore(report)
        if not report.is_measured:
            report.batch_size, report.why_alone = 1, _NOT_MEASURED
        elif not self._load.explored:
            self.measurement.allow_batches(report)
        return report

    def _unforkable(self) -> str:
        if self._load.device:
            return f'it runs on {self._load.device}'
        if self._load.explored:
            return 'it is a worker'
        found = self._baseline.excess('its constructor')
        if not found and 'mxnet' in sys.modules and \
                os.environ.get('MXNET_ENGINE_TYPE') != 'NaiveEngine':
            found = 'MXNET_ENGINE_TYPE is set to an engine with threads'
        if not found and self._load.warm_up:
            try:
                run_in_fork(lambda: None, _FORK_S)
            except ForkFailed as error:
                found = f'its forks do not live: {error}'
        return found

    def _explore(self, report: WarmUpReport) -> None:
        first = self._first_answer(report)
        if isinstance(first, Refusal):
            self._complain(first)
        if not isinstance(first, FirstAnswer):
            return
        report.first_answer = first = self._with_another(report, first)
        for line in first.advice:
            logger.warning('Model %s: %s', self._model, line)
        report.answers_samples = self._made_up.is_as_described(first.other)
        if 'mxnet' not in sys.modules:
            return
        if not self._is_new:
            report.spoiled = self._rebuild_service()
            if report.spoiled:
                return
        prime_opencv()
        self._baseline.take_threads("MXNet's OpenCV")
        measurement = self.measurement
        measurement.answer(report)
        report.unforkable = report.unforkable or self._baseline.excess('its hooks')
        report.is_measured = not self._load.later or bool(report.unforkable or report.spoiled)
        if report.is_measured:
            measurement.measure(report)
            report.unforkable = report.unforkable or self._baseline.excess('its hooks')
        elif self._load.fused:
            measurement.fuse_as_known(report)
        measurement.compare(report)

    def _first_answer(self, report: WarmUpReport) -> Union[FirstAnswer, Refusal, None]:
        if not self._made_up.requests:
            return None
        if report.unforkable:
            self._is_new = False
            return self._first_answer_of_any()
        try:
            first = run_in_fork(self._first_answer_of_any, trial_timeout_s())
        except ForkTimedOut as error:
            return Refusal(str(error), certain=False)
        except ForkFailed as error:
            first = Refusal(str(error), is_all_built_in(self.service, self.signature))
        if isinstance(first, FirstAnswer) or first.certain:
            return first
        here = self._first_answer_of_another()
        report.unforkable = self._baseline.excess('its hooks')
        if here is None:
            return first
        report.unforkable = f'it does not run in a forked process: {first.reason}'
        return here

    def _first_answer_of_another(self) -> Optional[FirstAnswer]:
        """What another service answers in this process, for the case that a fork is to blame."""
        kept = self.service
        try:
            self.service = self._make()
            first = self._first_answer_of_any()
        except ServiceError:
            return None
        finally:
            self.service = kept
            gc.collect()
        return first if isinstance(first, FirstAnswer) else None

    def _rebuild_service(self) -> str:
        """Make another service in the place of one that has answered; why that cannot be done."""
        self.service = None
        gc.collect()
        try:
            self.service = self._make()
        except ServiceError as error:
            return f'whether it remembers what it has answered cannot be seen ({error})'
        return ''

    def _first_answer_of_any(self) -> Union[FirstAnswer, Refusal]:
        refusal: Optional[Refusal] = None
        for place in self._made_up.at_first:
            try:
                return self._answer(place)
            except RAISED as error:
                # What the sample itself is refused for counts, not what is wrong with a variant.
                logger.debug('A made-up request is refused', exc_info=True)
                refusal = refusal_of(error, self.service, self.signature)
        assert refusal is not None
        return refusal

    def _with_another(self, report: WarmUpReport, first: FirstAnswer) -> FirstAnswer:
        """The same, and another request that is answered as well, and what its author had better
        know; as it is where that takes too long.
        """
        def look() -> FirstAnswer:
            other = self._other_answered(first.place)
            return first._replace(other=other, advice=self._advice(other))

        if report.unforkable:
            return look() if not self._is_new else first
        try:
            return run_in_fork(look, trial_timeout_s())
        except ForkFailed as error:
            logger.debug('Only one made-up request is answered: %s', error)
            return first

    def _other_answered(self, place: int) -> int:
        for other in self._made_up.afterwards:
            with suppress(*RAISED):
                return self._answer(other).place
        return place

    def _advice(self, place: int) -> tuple[str, ...]:
        try:
            return tuple(advice_on(self.service, self._made_up.requests[place]))
        except RAISED:
            logger.debug('Nothing can be said of an answer', exc_info=True)
            return ()

    def _complain(self, refusal: Refusal) -> None:
        # The files of an archive lie in a folder that is gone when this is read.
        reason = refusal.reason.replace(os.path.join(self._load.model_dir, ''), '')
        if refusal.certain:
            raise ServiceError(f'it cannot answer: with a made-up request, {reason}')
        if self._load.strict:
            raise ServiceError(f'it does not answer a made-up request (--strict): '
                               f'{reason}')
        logger.warning(
            'Model %s is not warmed up: with a made-up request, %s. It is served all the same. '
            'Give each input a "sample" that it takes in signature.json; mxnet-model-export '
            '--check tries it.', self._model, reason)

    def _warm_up_as_known(self, report: WarmUpReport) -> None:
        """Warm up a worker of its own, of which all is known."""
        report.batch_size = self._load.batch_size or 1
        if self._load.answered is None or 'mxnet' not in sys.modules:
            return
        work = self.measurement.work(self._load.answered, self._load.threads[:1])
        try:
            work.run_as_known(every_size=self._is_on_gpu())
        except RAISED as error:
            if is_device_error(error) or is_out_of_memory(error):
                raise
            logger.debug('The warm-up fails', exc_info=True)
            report.spoiled = f'it refuses what it has answered ({reason_of(error)})'
            return
        report.sample = self._made_up.requests[self._load.answered]

    def _answer(self, place: int) -> FirstAnswer:
        return answer(self.service, self._made_up.requests, place)

    def _is_on_gpu(self) -> bool:
        return self._load.device is not None and self._load.device.kind == GPU


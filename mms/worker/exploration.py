"""What a process finds out about its model before it takes requests."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Optional, Union

from mms.devices import GPU
from mms.errors import ServiceError
from mms.messages import Load
from mms.model_service.reasons import reason_of
from mms.worker.answer_advice import advice_on
from mms.worker.first_answer import Given, answer, difference
from mms.worker.fork_safety import Baseline
from mms.worker.joint import obstacle
from mms.worker.proof import prove
from mms.worker.refusal import Refusal, is_all_built_in, refusal_of
from mms.worker.sample import bound_lengths, sample_inputs
from mms.worker.scratch import ScratchFailed, ScratchLate, in_scratch
from mms.worker.variants import variants
from mms.worker.verdict import Outcome, Verdict
from mms.worker.warm_up import MOST_TOGETHER, WarmUp, prime_opencv

logger = logging.getLogger(__name__)

# A fork that does nothing is there, and gone, in some milliseconds.
_FORK_S = 5.0
# Each of what is tried in a process that is thrown away. Without MXNet nothing has to be compiled,
# and a model that hangs is not waited for as long.
_SCRATCH_S = 40.0
_SCRATCH_WITHOUT_MXNET_S = 5.0


@dataclass
class Findings:
    """What was found out.

    Attributes
    ----------
    sample
        Inputs that the model has answered in this process; None where there was no warm-up.
    batch_size
        Most requests that it pays to run together, and that may; 1 for one by one.
    levels
        Numbers of threads that pay, the smallest first; none where it cannot run on several.
    unforkable
        Why this process cannot be forked; an empty string when it can be.
    spoiled
        Why this process must take no request: the warm-up has changed the answers.
    given
        The answer to a made-up request before anything else was run; None where there is none.
    seen
        Whether it has answered what :func:`mms.worker.sample.sample_inputs` makes.
    """

    sample: Optional[list[Any]] = None
    batch_size: int = 1
    levels: Sequence[int] = ()
    unforkable: str = ''
    spoiled: str = ''
    given: Optional[Given] = None
    seen: bool = False


def explore(service: Any, signature: Mapping[str, Any], baseline: Baseline,
            load: Load) -> Findings:
    """Find out whether a service answers, which numbers of threads and batch sizes pay, and
    whether its requests may run together.

    A process that cannot be forked, and that is not told what another has found, is spent
    afterwards: what is tried in forks elsewhere, it tries in itself.

    Parameters
    ----------
    signature
        The live one, from which requests are made up.
    load
        What this process was told to load, and how.

    Raises
    ------
    ServiceError
        It answers no request, as far as can be known; or, where the user wants this to be strict,
        none that could be made up.
    """
    return _Exploration(service, signature, baseline, load).run()


class _Exploration:
    def __init__(self, service: Any, signature: Mapping[str, Any], baseline: Baseline,
                 load: Load) -> None:
        self._service = service
        self._signature = signature
        self._baseline = baseline
        self._load = load
        self._model = load.endpoint
        self._most = load.batch_size or MOST_TOGETHER
        self._samples = _samples(service, signature)
        others = [variants(signature, sample) for sample in self._samples]
        # First those that differ from what the model is best warmed up with.
        self._requests = [*(of_one[0] for of_one in others), *self._samples,
                          *(of_one[1] for of_one in others)]
        self._others = others

    def run(self) -> Findings:
        findings = Findings(unforkable=self._unforkable())
        if self._load.answered:
            findings.seen = self._load.answered[1] == len(self._samples)
        if self._load.warm_up and self._load.explored:
            self._warm_up_as_known(findings)
        elif self._load.warm_up:
            self._explore(findings)
        if not self._load.explored:
            findings.batch_size = self._allowed_batch_size(findings)
        return findings

    @property
    def _scratch_s(self) -> float:
        return _SCRATCH_S if 'mxnet' in sys.modules else _SCRATCH_WITHOUT_MXNET_S

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
                in_scratch(lambda: None, _FORK_S)
            except ScratchFailed as error:
                found = f'its forks do not live: {error}'
        return found

    def _explore(self, findings: Findings) -> None:
        given = self._first_answer(findings)
        if isinstance(given, Refusal):
            self._complain(given)
        if not isinstance(given, Given):
            return
        findings.given = given
        for line in given.advice:
            logger.warning('Model %s: %s', self._model, line)
        findings.seen = given.other == len(self._samples)
        if 'mxnet' in sys.modules:
            prime_opencv()
            self._baseline.take_threads("MXNet's OpenCV")
            self._warm_up(findings, given)
            findings.unforkable = findings.unforkable or self._baseline.excess('its hooks')
            findings.spoiled = findings.spoiled or self._changed(findings, given)

    def _first_answer(self, findings: Findings) -> Union[Given, Refusal, None]:
        if not self._requests:
            return None
        if findings.unforkable:
            return self._first_answer_here(findings)
        try:
            given = in_scratch(self._first_good, self._scratch_s)
        except ScratchLate as error:
            return Refusal(str(error), certain=False)
        except ScratchFailed as error:
            given = Refusal(str(error), is_all_built_in(self._service, self._signature))
        if isinstance(given, Given) or given.certain:
            return given
        here = self._first_answer_here(findings)
        if isinstance(here, Given):
            findings.unforkable = f'it does not run in a forked process: {given.reason}'
        return here

    def _first_answer_here(self, findings: Findings) -> Union[Given, Refusal]:
        given = self._first_good()
        if isinstance(given, Given):
            again = answer(self._service, self._requests, given.place)
            findings.spoiled = difference(given, again)
        return given

    def _first_good(self) -> Union[Given, Refusal]:
        refusal: Optional[Refusal] = None
        for place in range(2 * len(self._samples)):
            try:
                given = answer(self._service, self._requests, place)
            except (Exception, SystemExit) as error:
                # What the sample itself is refused for counts, not what is wrong with a variant.
                logger.debug('A made-up request is refused', exc_info=True)
                refusal = refusal_of(error, self._service, self._signature)
            else:
                other = self._other_good(place)
                return given._replace(other=other, advice=self._advice(other))
        assert refusal is not None
        return refusal

    def _other_good(self, place: int) -> int:
        for other in range(len(self._samples), len(self._requests)):
            with suppress(Exception, SystemExit):
                return answer(self._service, self._requests, other).place
        return place

    def _advice(self, place: int) -> tuple[str, ...]:
        try:
            return tuple(advice_on(self._service, self._requests[place]))
        except (Exception, SystemExit):
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

    def _warm_up(self, findings: Findings, given: Given) -> None:
        """Run it, and measure, with inputs that it answers."""
        # A process of its own has the number of threads that it was started with.
        threads = self._load.threads[:1] if findings.unforkable else self._load.threads
        work = self._work(given.other, threads)
        try:
            work.run()
        except (Exception, SystemExit) as error:
            logger.debug('The warm-up fails', exc_info=True)
            findings.spoiled = f'what was answered is refused ({reason_of(error)})'
            return
        findings.sample, findings.levels = self._requests[given.other], work.levels
        findings.batch_size = work.batch_size or self._most

    def _work(self, place: int, threads: Sequence[int]) -> WarmUp:
        return WarmUp(self._model, self._service, self._requests[place], threads,
                      self._load.optimize, self._load.batch_size)

    def _changed(self, findings: Findings, given: Given) -> str:
        """Whether it answers otherwise than when it was new, and not by chance."""
        if findings.unforkable:
            return ''
        try:
            now = in_scratch(lambda: answer(self._service, self._requests, given.place),
                             _SCRATCH_S)
            changed = difference(given, now)
            if changed and not difference(now, in_scratch(
                    lambda: answer(self._service, self._requests, given.place), _SCRATCH_S,
                    reseed=True)):
                return changed
        except ScratchFailed as error:
            logger.debug('A warm process does not answer in a fork: %s', error)
        return ''

    def _allowed_batch_size(self, findings: Findings) -> int:
        """Of requests that may run together; the log says why there are none."""
        if obstacle(self._service) or findings.spoiled:
            return 1
        if not self._load.warm_up:
            return self._most if self._service.batchable else 1
        most = findings.batch_size if findings.batch_size > 1 or findings.sample else self._most
        if most < 2 or self._service.batchable:
            return most
        verdict = self._proof(findings)
        if verdict.outcome is Outcome.EQUAL:
            return most
        if verdict.outcome is Outcome.REFUSED:
            logger.info('Model %s is served one request at a time: %s.', self._model,
                        verdict.reason)
        else:
            logger.info(
                'Model %s is served one request at a time: %s. A "sample" of each input in '
                'signature.json that its hooks take lets it be tried, and batchable = True in its '
                'class says that requests may run together.', self._model, verdict.reason)
        return 1

    def _proof(self, findings: Findings) -> Verdict:
        if findings.given is None:
            return Verdict(Outcome.INCONCLUSIVE, 'it answers no made-up request')
        requests = self._others[findings.given.place % len(self._samples)]
        if findings.unforkable:
            return prove(self._service, requests)
        try:
            return in_scratch(lambda: prove(self._service, requests), self._scratch_s)
        except ScratchFailed as error:
            return Verdict(Outcome.REFUSED, f'when made-up requests run together, {error}')

    def _warm_up_as_known(self, findings: Findings) -> None:
        """Warm up a worker of its own, of which all is known but whether it can be warmed up."""
        findings.batch_size = self._load.batch_size or 1
        if self._load.answered is None or 'mxnet' not in sys.modules:
            return
        place, other, prediction = self._load.answered
        try:
            self._work(other, self._load.threads[:1]).run_as_known(every_size=self._is_on_gpu())
            now = answer(self._service, self._requests, place)
        except (Exception, SystemExit) as error:
            logger.debug('The warm-up fails', exc_info=True)
            findings.spoiled = f'what was answered is refused ({reason_of(error)})'
            return
        findings.sample = self._requests[other]
        findings.spoiled = difference(Given(place, other, None, prediction.encode()),
                                      now._replace(output=None))

    def _is_on_gpu(self) -> bool:
        return self._load.device is not None and self._load.device.kind == GPU


def _samples(service: Any, signature: Mapping[str, Any]) -> list[list[Any]]:
    """Made-up inputs, the second of the lengths that a network was bound for."""
    made = [sample_inputs(signature), sample_inputs(signature, bound_lengths(service))]
    found = [sample for sample in made if sample is not None]
    return found[:1] if found[1:] == found[:1] else found

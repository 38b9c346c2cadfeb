"""The first runs of a model, and what they measure."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Optional

from mms.archive.sample import copy_of
from mms.ipc.findings import Findings, Fusion
from mms.ipc.messages import Measure
from mms.model_service.model_service import SingleNodeService
from mms.mxnet_engine.arrays import copied
from mms.mxnet_engine.reasons import RAISED, reason_of
from mms.worker.batches.collate import NotJoinable, join, padded_rows
from mms.worker.batches.joint import infer_together, obstacle
from mms.worker.warm_up.batch_scaling import sizes_to_try, times_by_size, worthwhile
from mms.worker.warm_up.thread_scaling import times_by_threads, worthwhile_counts

logger = logging.getLogger(__name__)

# Larger batches win little more on a processor, and everyone in them waits for all.
MOST_TOGETHER = 16
_THREADS_BUDGET_S = 5.0
# For all numbers of threads together.
_FUSION_BUDGET_S = 10.0
# At which MXNet's OpenCV starts the threads that it keeps, one a core; it survives a fork. What it
# makes of less than 400x400 it makes alone.
_PRIMING_SHAPE = (512, 512, 3)
_PRIMED_SIZE = 1024


def run_sample(service: Any, sample: Optional[list[Any]]) -> None:
    """Run a warm service once more, in a process that was just forked.

    Raises
    ------
    Exception
        What the service raises: the fork has broken something.
    """
    if sample is not None:
        service.inference(copy_of(sample))


def made_up_requests_per_s(service: Any, sample: Optional[list[Any]],
                           measure: Measure) -> float:
    """What a warm service does when it runs batches of its sample for some time.

    Parameters
    ----------
    sample
        Inputs that it has answered; None where there are none.

    Returns
    -------
    float
        0 without a sample.

    Raises
    ------
    Exception
        What the service raises.
    """
    if sample is None:
        return 0.0
    done, start = 0, time.monotonic()
    while not done or time.monotonic() < start + measure.seconds:
        done += _answered_together(service, sample, measure.batch_size)
    return done / (time.monotonic() - start)


def _answered_together(service: Any, sample: list[Any], size: int) -> int:
    """Run the hooks for so many requests at once, or for one where they cannot be joined."""
    if size > 1 and isinstance(service, SingleNodeService) and not obstacle(service):
        with suppress(NotJoinable):
            ready = [service._run_preprocess(copy_of(sample)) for _ in range(size)]
            for output in infer_together(service, ready):
                service._run_postprocess(output)
            return size
    service.inference(copy_of(sample))
    return 1


class WarmUp:
    """The first runs of a model, which measure what pays.

    Parameters
    ----------
    model
        Its name, for the log.
    sample
        Inputs that it has answered, in another process or in this one.
    threads
        Numbers of threads that its workers may compute on, the smallest first.
    optimize
        Whether Gluon networks may be fused, for each number of threads that pays.
    batch_size
        Most requests that are to be run together; None for no such limit.

    Attributes
    ----------
    levels
        Numbers of threads that pay, the smallest first; none where it cannot run on several.
    batch_size
        Most requests that it pays to run together; 0 where that was not measured.
    fused
        Forms that its networks have got.
    """

    def __init__(self, model: str, service: Any, sample: list[Any], threads: Sequence[int],
                 optimize: bool, batch_size: Optional[int]) -> None:
        self._model = model
        self._service = service
        self._sample = sample
        self._threads = threads
        self._optimize = optimize
        self._most = batch_size
        self.levels: Sequence[int] = ()
        self.batch_size = 0
        self.fused: Sequence[Fusion] = ()

    def answer(self) -> None:
        """Run the sample once.

        Raises
        ------
        Exception
            What the hooks raise over one request.
        """
        self._service.inference(copy_of(self._sample))

    def measure(self) -> None:
        """Run the sample, which it has answered, as often as there is to be measured.

        Raises
        ------
        Exception
            What the hooks raise over one request.
        """
        self.measure_forms()
        self.measure_sizes()

    def measure_forms(self) -> None:
        """Measure on how many threads it computes best, and in which forms its networks do.

        Raises
        ------
        Exception
            What the hooks raise over one request.
        """
        if self._joins and self._optimize:
            from mms.worker.warm_up.fusion import unfuse

            # A fused graph is made for one number of threads.
            unfuse(self._service)
        self.levels = self._paying_levels()
        self._fused()

    def measure_sizes(self) -> None:
        """Measure how long batches take.

        Raises
        ------
        Exception
            What the hooks raise over one request.
        """
        if not self._joins:
            return
        self._measure(self._service._run_preprocess(copy_of(self._sample)))
        give_back = getattr(getattr(self._service, 'mx_model', None), 'give_back', None)
        if give_back is not None:
            give_back()

    def take(self, known: Findings) -> None:
        """Take what was measured before for what pays.

        Raises
        ------
        Exception
            What the hooks raise over one request.
        """
        self.levels, self.batch_size = known.levels, known.batch_size
        self.fuse(known.fused, logging.INFO)

    def fuse(self, forms: Sequence[Fusion], level: int = logging.DEBUG) -> None:
        """Give its networks forms that are known to be faster, where this changes no answer.

        Parameters
        ----------
        level
            At which that is logged.

        Raises
        ------
        Exception
            What the hooks raise over one request.
        """
        if not forms or not self._joins or not self._optimize:
            return
        from mms.worker.warm_up.fusion import fuse, fused_forms

        ready = copied(self._service._run_preprocess(copy_of(self._sample)))
        for threads in dict.fromkeys(form.threads for form in forms):
            known = {form.net: form.form for form in forms if form.threads == threads}
            self._log_fusion(threads, fuse(self._service, {1: ready}, _FUSION_BUDGET_S, threads,
                                           known), level)
        self.fused = fused_forms(self._service)

    def run_as_known(self, every_size: bool) -> None:
        """Run the sample once, and fuse; with `every_size`, also all batch sizes that there may
        be, so that none is new to a GPU's libraries in a request.

        Raises
        ------
        Exception
            What the hooks raise over one request.
        """
        self.answer()
        ready = self._fused()
        if every_size and ready is not None:
            self._run_sizes(ready)

    def _fused(self) -> Any:
        """What ``_preprocess`` makes of the sample, once the networks have been fused for it; None
        where requests never run together.
        """
        if not self._joins:
            return None
        ready = self._service._run_preprocess(copy_of(self._sample))
        if self._optimize:
            self._find_forms(copied(ready))
        return ready

    @property
    def forms(self) -> Sequence[Fusion]:
        """The forms that its networks have now."""
        if not (self._joins and self._optimize):
            return ()
        from mms.worker.warm_up.fusion import fused_forms

        return fused_forms(self._service)

    @property
    def _joins(self) -> bool:
        """Whether its requests may run together, as far as its hooks go."""
        return isinstance(self._service, SingleNodeService) and not obstacle(self._service)

    def _run_sizes(self, ready: Any) -> None:
        for size in sorted({padded_rows([1] * most)
                            for most in range(2, (self._most or MOST_TOGETHER) + 1)}):
            try:
                self._service._run_inference(join([ready] * size).value)
            except NotJoinable:
                return

    def _paying_levels(self) -> Sequence[int]:
        if len(self._threads) == 1:
            return self._threads
        try:
            times = times_by_threads(self.answer, self._threads, _THREADS_BUDGET_S)
            logger.info('Model %s: a request %s.', self._model, ', '.join(
                f'on {count} thread{"s" * (count != 1)} in {1000 * time_s:.1f} ms'
                for count, time_s in times.items()))
            return worthwhile_counts(times)
        except RAISED as error:
            logger.info('Model %s computes on one thread: it does not run in another one than '
                        'that of its constructor (%s)', self._model, reason_of(error))
            return ()

    def _measure(self, ready: Any) -> None:
        """How long batches take; nothing is known where they cannot be run."""
        sizes = sizes_to_try(self._most or MOST_TOGETHER)
        try:
            batches = {size: join([ready] * size).value for size in sizes}
            times = times_by_size(self._service._run_inference, batches)
        except RAISED as error:
            logger.info('Model %s: which batch sizes pay cannot be measured (%s).', self._model,
                        reason_of(error) if not isinstance(error, NotJoinable) else error)
            return
        self.batch_size = min(worthwhile(times), self._most or MOST_TOGETHER)
        logger.info('Model %s: inference of %s.', self._model, ', '.join(
            f'{size} in {1000 * time_s:.1f} ms' for size, time_s in times.items()))

    def _find_forms(self, ready: Any) -> None:
        from mms.worker.warm_up.fusion import fuse, fused_forms

        levels = list(self.levels or self._threads[:1])
        end = time.monotonic() + _FUSION_BUDGET_S
        # First for the workers that each model has: under load, and for a lone request.
        for threads in dict.fromkeys([levels[0], levels[-1], *levels]):
            left_s = end - time.monotonic()
            # Larger sizes have plans, and their memory, of their own, and win little.
            if left_s > 0:
                self._log_fusion(threads, fuse(self._service, {1: ready}, left_s, threads))
        self.fused = fused_forms(self._service)

    def _log_fusion(self, threads: int, lines: Sequence[str], level: int = logging.INFO) -> None:
        for line in lines:
            logger.log(level, 'Model %s on %d thread%s: %s.', self._model, threads,
                        's' * (threads != 1), line)


def prime_opencv() -> None:
    """Let MXNet's OpenCV start the threads that it keeps, if it can."""
    import mxnet as mx

    zeros = mx.np.zeros if mx.util.is_np_array() else mx.nd.zeros
    with suppress(Exception):
        mx.image.imresize(zeros(_PRIMING_SHAPE, dtype='uint8'), _PRIMED_SIZE,
                          _PRIMED_SIZE).wait_to_read()

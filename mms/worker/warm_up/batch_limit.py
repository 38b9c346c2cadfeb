"""How many requests of a service may run together: what pays, if that changes no answer."""

from __future__ import annotations

import logging
from typing import Any

from mms.ipc.messages import Load
from mms.worker.batches.joint import obstacle
from mms.worker.batches.proof import prove
from mms.worker.batches.verdict import Outcome, Verdict
from mms.worker.processes.disposable_fork import ForkFailed, run_in_fork
from mms.worker.warm_up.made_up_requests import MadeUpRequests
from mms.worker.warm_up.warm_up import MOST_TOGETHER
from mms.worker.warm_up.warm_up_report import WarmUpReport

logger = logging.getLogger(__name__)

_COLD = 'it was not warmed up'
_USELESS = 'several together take as long as one after the other'


def allowed_batch_size(service: Any, load: Load, report: WarmUpReport, made_up: MadeUpRequests,
                       seconds: float) -> tuple[int, str]:
    """See whether requests may run together, unless the service says so itself.

    Parameters
    ----------
    report
        What was found before. Where the process cannot be forked, the proof is made in itself.
    seconds
        How long the proof may take.

    Returns
    -------
    int
        Most requests that may run together; 1 for one by one.
    str
        Why one by one; empty where they may run together.
    """
    known = obstacle(service) or report.spoiled
    if known:
        return 1, known
    if load.batch_size == 1:
        return 1, 'it is asked for batches of one request'
    if not load.warm_up:
        return (load.batch_size or MOST_TOGETHER, '') if service.batchable else (1, _COLD)
    most = report.batch_size if report.sample else load.batch_size or MOST_TOGETHER
    if most < 2:
        return 1, _USELESS
    if service.batchable:
        return most, ''
    verdict = _proof(service, report, made_up, most, seconds)
    if verdict.outcome is Outcome.EQUAL:
        return most, ''
    advice = ''
    if verdict.outcome is Outcome.INCONCLUSIVE:
        advice = (' A "sample" of each input in signature.json that its hooks take lets it be '
                  'tried, and batchable = True in its class says that requests may run together.')
    logger.info('Model %s is served one request at a time: %s.%s', load.endpoint, verdict.reason,
                advice)
    return 1, verdict.reason


def _proof(service: Any, report: WarmUpReport, made_up: MadeUpRequests, most: int,
           seconds: float) -> Verdict:
    if report.first_answer is None:
        return Verdict(Outcome.INCONCLUSIVE, 'it answers no made-up request')
    requests = made_up.beside(report.first_answer.place)
    if report.unforkable:
        return prove(service, requests, most)
    try:
        return run_in_fork(lambda: prove(service, requests, most), seconds)
    except ForkFailed as error:
        return Verdict(Outcome.REFUSED, f'when made-up requests run together, {error}')

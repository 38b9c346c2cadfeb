"""How many requests workers answer when all of them compute at once."""

from __future__ import annotations

import time
from collections.abc import Sequence

import gevent

from mms.ipc.messages import Measure, Measured
from mms.pool.process import WorkerProcess
from mms.pool.process_errors import NoAnswer, WorkerGone

_MEASURED_S = 0.2
# Models that take longer over one batch are not measured: nobody waits for that.
_SLOW_S = 2.0
_LONGEST_S = 60.0
# Requests of the batches that are run: a queue is shared among all workers, which seldom leaves
# each of them a large one, and small ones need the memory's bandwidth the most.
_TOGETHER = 4


def requests_per_s(workers: Sequence[WorkerProcess], batch_size: int) -> float:
    """Made-up requests that free workers answer together.

    Parameters
    ----------
    batch_size
        Most requests that the model's workers run together.

    Returns
    -------
    float
        0 where one of them could not, or takes too long.
    """
    size = min(batch_size, _TOGETHER)
    began = time.monotonic()
    # A worker's first batch is slower: it compiles, and takes memory.
    if not all(_rates(workers, Measure(size, 0.0))) or time.monotonic() > began + _SLOW_S:
        return 0.0
    rates = _rates(workers, Measure(size, _MEASURED_S))
    return sum(rates) if all(rates) else 0.0


def _rates(workers: Sequence[WorkerProcess], measure: Measure) -> list[float]:
    asked = [gevent.spawn(_rate_of, worker, measure) for worker in workers]
    try:
        gevent.joinall(asked)
    finally:
        gevent.killall(asked)
    return [greenlet.value or 0.0 for greenlet in asked]


def _rate_of(worker: WorkerProcess, measure: Measure) -> float:
    try:
        answer = worker.exchange(measure, _LONGEST_S)
    except WorkerGone:
        return 0.0
    except NoAnswer:
        worker.abort()
        return 0.0
    except BaseException:
        # Nobody knows what it would answer next.
        worker.abort()
        raise
    assert isinstance(answer, Measured)
    return answer.requests_per_s

"""How many requests workers answer when all of them compute at once."""

from __future__ import annotations

from collections.abc import Sequence

import gevent

from mms.messages import Measure, Measured
from mms.pool.process import NoAnswer, WorkerGone, WorkerProcess

# Of a batch that takes longer, one run is measured, behind one that makes it ready.
_MEASURED_S = 0.1
_LONGEST_S = 30.0
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
        0 where one of them could not.
    """
    asked = [gevent.spawn(_rate_of, worker, min(batch_size, _TOGETHER)) for worker in workers]
    gevent.joinall(asked, raise_error=True)
    rates = [greenlet.value for greenlet in asked]
    return sum(rates) if all(rates) else 0.0


def _rate_of(worker: WorkerProcess, batch_size: int) -> float:
    try:
        answer = worker.exchange(Measure(batch_size, _MEASURED_S), _LONGEST_S)
    except WorkerGone:
        return 0.0
    except NoAnswer:
        worker.abort()
        return 0.0
    assert isinstance(answer, Measured)
    return answer.requests_per_s

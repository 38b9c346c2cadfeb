"""Models that are asked from greenlets."""

import gevent
import pytest
from harness import asking

from mms.serving.batch import Limits
from mms.serving.scheduler import Scheduler


class Asked:
    """A model's queue before its workers."""

    def __init__(self, workers, limits, threads):
        self.workers = workers
        self.scheduler = Scheduler(workers, limits, threads)

    def ask(self, text, **options):
        return self.ask_for(asking(text), **options)

    def ask_for(self, request, **options):
        return gevent.spawn(self.scheduler.submit, request, **options)


@pytest.fixture
def model(supervise):
    started = []

    def model(*arguments, queue_size=100, request_timeout_s=60.0, max_batch_delay_s=0.0,
              threads=lambda: 1, **options):
        limits = Limits(queue_size, request_timeout_s, max_batch_delay_s)
        started.append(Asked(supervise(*arguments, **options), limits, threads))
        return started[-1]

    yield model
    for asked in started:
        asked.scheduler.stop()

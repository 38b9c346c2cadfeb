"""Changes of models that clients ask for."""

import gevent
import pytest
from gevent.event import Event

from mms.archive.location import Location
from mms.frontend.management import model_jobs
from mms.frontend.management.errors import NotNow
from mms.frontend.management.model_jobs import ModelJobs
from mms.serving.load_failures import LoadFailures
from mms.serving.model_options import ModelOptions


class SlowLoader:
    """Opens no archive before it is told to."""

    def __init__(self):
        self.failures = LoadFailures()
        self.goes_on = Event()

    def open(self, name, location, options):
        self.goes_on.wait()

    def add(self, opened):
        raise AssertionError


def test_no_more_changes_are_taken_than_a_server_can_have_under_way(monkeypatch):
    monkeypatch.setattr(model_jobs, '_MOST_JOBS', 3)
    jobs = ModelJobs({}, SlowLoader(), 1.0)

    def load(name):
        jobs.register(name, Location.parse('a.model'), ModelOptions(), True, True)

    def given_up(name):
        with pytest.raises(NotNow, match='the server stops'):
            load(name)

    loads = [gevent.spawn(given_up, name) for name in 'abc']
    gevent.idle()
    with pytest.raises(NotNow, match='^3 changes of models are under way'):
        load('d')
    jobs.stop()
    gevent.joinall(loads, timeout=10, raise_error=True)
    assert not jobs.loading

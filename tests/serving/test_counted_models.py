"""Counts of models that are killed, replaced and removed while requests run: none goes back."""

import json
import os
from functools import partial

import gevent
import pytest
from fleet import kill, new_registry, until
from harness import asking, predicted, write_archive

from mms.archive.location import Location
from mms.archive.reader import open_model
from mms.config.per_model import PerModel
from mms.config.settings import Settings
from mms.metrics.server_metrics import ServerMetrics
from mms.runtime.shared_memory import proportional_bytes
from mms.runtime.workspace import Workspace
from mms.serving.gauges import Gauges
from mms.serving.model_factory import OpenedModel
from mms.serving.process_memory import ProcessMemory

TWICE = 'return [2 * data[0][0][0]]'
# The first word says how long.
SLEEPS = 'import time\ntime.sleep(data[0][0][0])\nreturn [1]'
# Until a file is there.
WAITS = 'import os, time\nwhile not os.path.exists({go!r}):\n    time.sleep(0.02)\nreturn [1]'
# A ping that fails once its worker has answered something.
FALLS_ILL = '''
from mms.model_service.model_service import SingleNodeService


class Service(SingleNodeService):
    signature = {'inputs': [{'data_name': 'data', 'data_shape': [0, 1]}], 'outputs': [],
                 'input_type': 'application/json', 'output_type': 'application/json'}

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        self.is_ill = False

    def ping(self):
        if self.is_ill:
            raise ValueError('ill')

    def _inference(self, data):
        self.is_ill = data[0][0][0] == 7
        return [1]
'''


class Counted:
    """A registry and what is counted of it."""

    def __init__(self, settings):
        self.metrics = ServerMetrics()
        self.registry = new_registry(settings, self.metrics)
        self.gauges = Gauges(self.registry, self.registry.ill_health)

    def ask(self, name, number=1):
        return json.loads(predicted(self.registry.submit(name, asking(f'[[{number}]]'))))

    def restarts(self, name):
        return dict(self.metrics.summary(name).restarts)

    def look(self):
        return {(model.name, model.state): model for model in self.gauges.look()}


@pytest.fixture
def counted():
    started = []

    def counted(**settings):
        started.append(Counted(Settings(**{'workers': PerModel(1), **settings})))
        return started[-1]

    yield counted
    for one in started:
        one.registry.stop()


@pytest.fixture
def opened(tmp_path):
    workspace = Workspace()

    def opened(name, body=TWICE, **options):
        model = open_model(name, Location.parse(write_archive(tmp_path, name, body, **options)),
                           workspace.path)
        return OpenedModel(model, name, partial(workspace.remove, model.model_dir))

    yield opened
    workspace.close()


def test_batches_and_restarts_go_on_when_a_worker_is_killed_and_its_model_replaced_or_removed(
        counted, opened):
    one = counted()
    one.registry.start([opened('m')])
    [worker] = one.registry['m'].workers.pids
    assert one.ask('m') == [2]
    kill(worker)
    until(lambda: one.restarts('m') == {'died': 1})
    assert one.ask('m') == [2]
    assert one.metrics.summary('m').batches == 2
    one.registry.replace(opened('m', 'return [3]'), 5.0)
    assert one.ask('m') == [3]
    # Workers of the old one have ended as they were told to.
    assert one.restarts('m') == {'died': 1}
    assert one.metrics.summary('m').batches == 3
    one.registry.remove('m', 5.0)
    assert one.metrics.summary('m').batches == 3
    assert one.look() == {}
    one.registry.add(opened('m'))
    assert one.ask('m') == [2]
    assert one.metrics.summary('m').batches == 4
    assert one.restarts('m') == {'died': 1}


def test_a_model_without_workers_is_seen(counted, opened):
    one = counted()
    one.registry.park(opened('m'))
    assert one.look() == {('m', 'unloaded'): ('m', 'unloaded', 0, 0.0, 0, {}, {})}
    scaling = gevent.spawn(one.registry.scale, 'm', 1)
    until(lambda: one.registry.coming)
    assert set(one.look()) == {('m', 'loading')}
    scaling.get()
    assert set(one.look()) == {('m', 'ready')}
    one.registry.stop_workers('m', 5.0)
    assert set(one.look()) == {('m', 'unloaded')}


def test_a_worker_that_takes_too_long_is_another_reason_than_one_that_dies(counted, opened):
    one = counted(request_timeout_s=0.5, batch_size=1)
    one.registry.start([opened('m', SLEEPS)])
    asked = gevent.spawn(one.ask, 'm', 30)
    # Given to one more worker, it costs that one, too.
    until(lambda: set(one.restarts('m')) == {'timeout'})
    asked.kill()


def test_recycling_is_a_reason_of_its_own(counted, opened):
    one = counted(max_requests_per_worker=3)
    one.registry.start([opened('m')])
    for _ in range(3):
        one.ask('m')
    until(lambda: one.restarts('m') == {'max_requests': 1})
    until(lambda: one.registry['m'].workers.agrees)


def test_a_worker_with_more_memory_than_it_may_have_is_counted(counted, opened):
    one = counted(max_worker_memory_bytes=1)
    one.registry.start([opened('m')])
    one.ask('m')
    until(lambda: 'max_memory' in one.restarts('m'))


def test_a_worker_that_is_ill_beside_others_is_counted(counted, opened):
    one = counted(workers=PerModel(2))
    one.registry.start([opened('m', source=FALLS_ILL)])
    one.ask('m', 7)

    def is_replaced():
        one.registry.ill_health()
        return one.restarts('m') == {'ill': 1}

    until(is_replaced)


def test_the_queue_and_the_workers_are_told_as_they_stand(counted, opened):
    one = counted(batch_size=1)
    one.registry.start([opened('m', SLEEPS)])
    until(lambda: one.registry['m'].workers.agrees)
    [model] = one.look().values()
    assert (model.state, model.waiting, model.oldest_s, model.unanswered) == ('ready', 0, 0.0, 0)
    asked = [gevent.spawn(one.ask, 'm', 5) for _ in range(3)]
    until(lambda: one.look()['m', 'ready'].waiting == 2)
    gevent.sleep(0.1)
    model = one.look()['m', 'ready']
    assert (model.waiting, model.unanswered) == (2, 3)
    assert 0.1 < model.oldest_s < 60
    assert model.workers['busy'] == 1
    gevent.killall(asked)


def test_a_model_that_is_replaced_is_told_beside_the_one_that_loads(counted, opened, tmp_path):
    one, go = counted(batch_size=1), tmp_path / 'go'
    # While it warms up, nothing waits.
    go.touch()
    one.registry.start([opened('m', WAITS.format(go=str(go)))])
    until(lambda: one.registry['m'].workers.agrees)
    go.unlink()
    asked = gevent.spawn(one.ask, 'm')
    until(lambda: one.look()['m', 'ready'].unanswered)
    replacing = gevent.spawn(one.registry.replace, opened('m'), 30.0)
    until(lambda: ('m', 'loading') in one.look())
    until(lambda: ('m', 'draining') in one.look())
    assert one.look()['m', 'draining'].unanswered == 1
    go.touch()
    assert asked.get() == [1]
    replacing.join(30)
    assert set(one.look()) == {('m', 'ready')}


def test_memory_is_that_of_the_processes_of_the_model(counted, opened):
    one = counted(workers=PerModel(2))
    one.registry.start([opened('m')])
    until(lambda: one.registry['m'].workers.agrees)
    model = one.look()['m', 'ready']
    workers = one.registry['m'].workers
    now = sum(proportional_bytes(pid) for pid in workers.pids)
    assert model.memory_bytes['worker'] == pytest.approx(now, rel=0.5)
    assert model.memory_bytes['template'] == pytest.approx(
        proportional_bytes(workers.template_pid), rel=0.5)


def test_memory_is_not_looked_at_for_each_scrape(monkeypatch):
    looks = []
    monkeypatch.setattr('mms.serving.process_memory.proportional_bytes',
                        lambda pid: looks.append(pid) or 1000)
    memory = ProcessMemory()
    for _ in range(5):
        assert memory.of([1, 2]) == {1: 1000, 2: 1000}
    assert memory.of([2, 3]) == {2: 1000, 3: 1000}
    assert sorted(looks) == [1, 2, 3]


def test_a_process_that_cannot_be_looked_at_holds_up_nobody(monkeypatch):
    monkeypatch.setattr('mms.serving.process_memory._LONGEST_LOOK_S', 0.1)
    ends, end = os.pipe()
    monkeypatch.setattr('mms.serving.process_memory.proportional_bytes',
                        lambda pid: len(os.read(ends, 1)))
    with gevent.Timeout(20):
        assert ProcessMemory().of([os.getpid()]) == {}
    os.write(end, b'x')
    os.close(end)


def test_a_process_that_has_ended_has_no_memory():
    with gevent.Timeout(20):
        assert ProcessMemory().of([2**22 + 1]) == {}
    assert proportional_bytes(os.getpid()) > 10**6

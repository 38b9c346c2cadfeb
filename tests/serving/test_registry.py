"""Models that come, are replaced, scaled and removed while requests run."""

import json
import os
from functools import partial

import gevent
import gevent.event
import pytest
from fleet import new_registry, until
from harness import asking, predicted, running, write_archive

from mms.archive.location import Location
from mms.archive.reader import open_model
from mms.config.device_flags import Wanted
from mms.config.per_model import PerModel
from mms.config.settings import Settings
from mms.devices.device import CPU, Device
from mms.errors import ModelExists, ModelNotFound, ModelUnavailable, ServiceError
from mms.pool.supervisor import Supervisor
from mms.runtime.workspace import Workspace
from mms.serving import model_loads as module
from mms.serving.events import Change
from mms.serving.model_factory import OpenedModel
from mms.serving.model_options import ModelOptions
from mms.serving.model_state import ModelState

TWICE = 'return [2 * data[0][0][0]]'
THRICE = 'return [3 * data[0][0][0]]'
SLOW = 'import time\ntime.sleep(0.3)\nreturn [2 * data[0][0][0]]'

LOADS_FOR_LONG = '''
import time
from mms.model_service.model_service import SingleNodeService


class Service(SingleNodeService):
    def __init__(self, *_):
        open({marker!r}, 'w').close()
        time.sleep(60)
'''


@pytest.fixture
def workspace():
    workspace = Workspace()
    yield workspace
    workspace.close()


@pytest.fixture
def opened(tmp_path, workspace):
    """Makes models that can be served, with files of their own."""

    def opened(name, body=TWICE, **options):
        archive = write_archive(tmp_path, name, body, **options)
        model = open_model(name, Location.parse(archive), workspace.path)
        return OpenedModel(model, archive, partial(workspace.remove, model.model_dir))

    return opened


@pytest.fixture
def registry():
    registry = new_registry()
    yield registry
    registry.stop()


def ask(registry, name, number=1):
    return json.loads(predicted(registry.submit(name, asking(f'[[{number}]]'))))


def folders(workspace):
    return sorted(name.rpartition('-')[0] for name in os.listdir(workspace.path))


def test_models_are_served_in_the_order_given_whoever_is_ready_first(registry, opened):
    registry.start([opened('late', f'{TWICE}  # {"x" * 10**6}'), opened('early', THRICE)])
    assert registry.names == ('late', 'early')
    assert 'late' in registry
    assert 'other' not in registry
    assert ask(registry, 'late') == [2]
    assert ask(registry, 'early') == [3]
    assert [model.state for model in registry.models] == [ModelState.READY] * 2


def test_a_model_that_is_added_answers_beside_the_others(registry, opened):
    registry.start([opened('a')])
    before = registry.revision
    registry.add(opened('b', THRICE))
    assert registry.names == ('a', 'b')
    assert registry.revision > before
    assert (ask(registry, 'a'), ask(registry, 'b')) == ([2], [3])
    assert registry.signature('b')['inputs']


def test_a_name_is_served_once(registry, opened, workspace):
    registry.start([opened('a')])
    with pytest.raises(ModelExists, match='A model a is served already'):
        registry.add(opened('a', THRICE))
    assert ask(registry, 'a') == [2]
    assert len(os.listdir(workspace.path)) == 1


def test_of_two_who_add_one_name_at_once_the_second_is_refused(registry, opened):
    first, second = (gevent.spawn(registry.add, opened('a', body)) for body in (TWICE, THRICE))
    gevent.joinall([first, second])
    assert isinstance(second.exception, ModelExists)
    assert ask(registry, 'a') == [2]


def test_a_model_that_cannot_be_added_leaves_nothing(registry, opened, workspace):
    registry.start([opened('a')])
    events = []
    registry.subscribe(events.append)
    with pytest.raises(ServiceError, match=r'^model b from .*b\.model cannot be served: '):
        registry.add(opened('b', 'return data\n  nonsense('))
    assert registry.names == ('a',)
    assert [(event.change, event.state) for event in events] == [
        (Change.STATE, ModelState.FAILED), (Change.STATE, ModelState.GONE)]
    assert 'cannot be served' in events[0].reason
    assert len(registry.models) == 1
    assert folders(workspace) == ['a']
    registry.add(opened('b'))
    assert ask(registry, 'b') == [2]


def test_a_model_is_replaced_without_a_request_lost(registry, opened, workspace):
    registry.start([opened('a', SLOW)])
    old_pids = registry['a'].workers.pids
    answers, stop = [[], [], []], gevent.event.Event()

    def client(mine):
        while not stop.is_set():
            mine.append(ask(registry, 'a')[0])

    clients = [gevent.spawn(client, mine) for mine in answers]
    until(lambda: all(answers))
    registry.replace(opened('a', THRICE), drain_timeout_s=30)
    until(lambda: all(mine[-1] == 3 for mine in answers))
    stop.set()
    gevent.joinall(clients, raise_error=True)
    for mine in answers:
        assert mine == sorted(mine)
        assert set(mine) == {2, 3}
    assert not set(old_pids) & set(registry['a'].workers.pids)
    until(lambda: not any(os.path.exists(f'/proc/{pid}') for pid in old_pids))
    assert len(folders(workspace)) == 1
    assert len(registry.models) == 1


def test_one_that_cannot_take_its_place_leaves_the_old_one_as_it_was(registry, opened):
    registry.start([opened('a')])
    pids, revision = registry['a'].workers.pids, registry.revision
    with pytest.raises(ServiceError, match='cannot be served'):
        registry.replace(opened('a', 'nonsense('), drain_timeout_s=1)
    assert (registry['a'].workers.pids, registry.revision) == (pids, revision)
    assert ask(registry, 'a') == [2]


def test_a_model_that_is_removed_answers_what_it_has_and_ends(registry, opened, workspace):
    registry.start([opened('a', SLOW), opened('b')])
    pids = registry['a'].workers.pids
    request = gevent.spawn(ask, registry, 'a')
    gevent.sleep(0.1)
    removal = gevent.spawn(registry.remove, 'a', 30)
    gevent.sleep(0.05)
    assert registry.names == ('b',)
    assert [model.state for model in registry.models] == [ModelState.READY, ModelState.DRAINING]
    with pytest.raises(ModelNotFound, match='No model a is served'):
        ask(registry, 'a')
    assert request.get() == [2]
    removal.get()
    assert [model.name for model in registry.models] == ['b']
    assert folders(workspace) == ['b']
    until(lambda: not any(os.path.exists(f'/proc/{pid}') for pid in pids))


def test_a_removal_does_not_wait_for_ever(registry, opened):
    registry.start([opened('a', 'import time\ntime.sleep(60)')])
    request = gevent.spawn(ask, registry, 'a')
    gevent.sleep(0.1)
    with gevent.Timeout(30):
        registry.remove('a', drain_timeout_s=0.1)
    with pytest.raises(ModelUnavailable, match=(
            '^The model is removed or replaced, and model a has not answered in time.$')):
        request.get()


@pytest.mark.parametrize('change', [
    lambda registry, opened: registry.remove('x', 1), lambda registry, opened: registry['x'],
    lambda registry, opened: registry.replace(opened('x'), 1),
    lambda registry, opened: registry.scale('x', 2),
    lambda registry, opened: registry.signature('x'),
])
def test_what_is_not_there_is_not_found(registry, opened, change):
    with pytest.raises(ModelNotFound, match='No model x is served'):
        change(registry, opened)


def test_listeners_hear_of_each_change_and_one_that_fails_hinders_nobody(
        registry, opened, caplog):
    events = []
    registry.subscribe(lambda event: 1 / 0)
    registry.subscribe(lambda event: events.append((event.change, event.name)))
    registry.start([opened('a')])
    registry.replace(opened('a', THRICE), 1)
    registry.remove('a', 1)
    assert [change for change, _ in events if change is not Change.STATE] == [
        Change.ADDED, Change.REPLACED, Change.REMOVED]
    assert {name for _, name in events} == {'a'}
    assert 'ZeroDivisionError' in caplog.text


def test_a_model_that_is_ill_is_degraded_and_ready_again_when_it_is_well(registry, opened):
    registry.start([opened('a')])
    model = registry['a']
    os.kill(model.workers.template_pid, 9)
    until(lambda: not registry.ill_health())
    assert model.state is ModelState.READY
    broken = pytest.MonkeyPatch()
    with broken.context() as patch:
        patch.setattr(model.workers.probe, 'ill_health', lambda: 'it says so')
        assert registry.ill_health() == {'a': 'it says so'}
        assert (model.state, model.reason) == (ModelState.DEGRADED, 'it says so')
    assert registry.ill_health() == {}
    assert (model.state, model.reason) == (ModelState.READY, '')


def test_a_stop_ends_what_is_being_loaded(opened, workspace, tmp_path):
    registry = new_registry()
    marker = str(tmp_path / 'loads')
    slow = opened('slow', source=LOADS_FOR_LONG.format(marker=marker))
    loading = gevent.spawn(registry.add, slow)
    until(lambda: os.path.exists(marker))
    registry.stop()
    with pytest.raises(ServiceError, match='model slow is not loaded: the server stops'):
        loading.get(timeout=20)
    assert folders(workspace) == []
    assert running(str(tmp_path)) == []
    assert registry.models == []


def test_each_models_files_are_looked_after(registry, opened, workspace):
    registry.start([opened('a')])
    folder = registry['a'].folder
    os.unlink(os.path.join(folder, 'service.py'))
    os.kill(registry['a'].workers.template_pid, 9)
    os.kill(registry['a'].workers.pids[0], 9)
    until(lambda: os.path.exists(os.path.join(folder, 'service.py')))
    assert ask(registry, 'a') == [2]


def test_a_model_has_more_workers_and_fewer_again_without_a_request_lost(registry, opened):
    registry.start([opened('a', SLOW)])
    events = []
    registry.subscribe(lambda event: events.append(event.change))
    model, stop, answers = registry['a'], gevent.event.Event(), []

    def client():
        while not stop.is_set():
            answers.append(ask(registry, 'a'))

    clients = [gevent.spawn(client) for _ in range(4)]
    for workers in (3, 1):
        registry.scale('a', workers)
        until(lambda: model.workers.agrees)
        assert model.workers.size.workers == workers
    stop.set()
    gevent.joinall(clients, raise_error=True)
    assert answers
    assert all(answer == [2] for answer in answers)
    assert events == [Change.SCALED] * 2


def test_a_model_that_is_removed_answers_its_queue_when_no_other_is_served(registry, opened):
    registry.start([opened('a', SLOW)])
    requests = [gevent.spawn(ask, registry, 'a') for _ in range(4)]
    gevent.sleep(0.1)
    registry.remove('a', 30)
    assert [request.get() for request in requests] == [[2]] * 4


def test_listeners_hear_of_a_model_that_has_no_worker(registry, opened):
    events = []
    registry.subscribe(lambda event: events.append(event.change))
    registry.park(opened('a'))
    registry.scale('a', 1)
    registry.stop_workers('a', 1)
    registry.remove('a', 1)
    assert [change for change in events if change is not Change.STATE] == [
        Change.PARKED, Change.ADDED, Change.PARKED, Change.REMOVED]


def test_what_could_take_nobodys_place_leaves_no_files(registry, opened, workspace):
    with pytest.raises(ModelNotFound):
        registry.replace(opened('x'), 1)
    assert os.listdir(workspace.path) == []


def test_who_gives_up_to_wait_for_a_change_leaves_no_files(registry, opened, workspace, tmp_path):
    marker = str(tmp_path / 'loads')
    loading = gevent.spawn(registry.add, opened('a', source=LOADS_FOR_LONG.format(marker=marker)))
    until(lambda: os.path.exists(marker))
    waiting = gevent.spawn(registry.add, opened('a'))
    gevent.sleep(0.05)
    waiting.kill()
    assert len(os.listdir(workspace.path)) == 1
    loading.kill()
    assert os.listdir(workspace.path) == []
    assert running(str(tmp_path)) == []


def test_a_removal_is_carried_through_whatever_becomes_of_who_asked_for_it(
        registry, opened, workspace):
    registry.start([opened('a', SLOW)])
    pids, events = registry['a'].workers.pids, []
    registry.subscribe(lambda event: events.append(event.change))
    request = gevent.spawn(ask, registry, 'a')
    gevent.sleep(0.1)
    removal = gevent.spawn(registry.remove, 'a', 30)
    gevent.sleep(0.05)
    removal.kill()
    assert request.get() == [2]
    assert registry.models == []
    assert events[-1] is Change.REMOVED
    assert os.listdir(workspace.path) == []
    until(lambda: not any(os.path.exists(f'/proc/{pid}') for pid in pids))
    registry.add(opened('a', THRICE))
    assert ask(registry, 'a') == [3]


def test_a_replacement_is_carried_through_whatever_becomes_of_who_asked_for_it(
        registry, opened, workspace):
    registry.start([opened('a', SLOW)])
    request = gevent.spawn(ask, registry, 'a')
    gevent.sleep(0.1)
    replacement = gevent.spawn(registry.replace, opened('a', THRICE), 30)
    until(lambda: ModelState.DRAINING in [model.state for model in registry.models])
    replacement.kill()
    assert request.get() == [2]
    assert [model.state for model in registry.models] == [ModelState.READY]
    assert len(os.listdir(workspace.path)) == 1
    assert ask(registry, 'a') == [3]


def test_nothing_is_loaded_once_all_are_stopped(opened, workspace, tmp_path):
    registry = new_registry()
    registry.start([opened('b')])
    marker = str(tmp_path / 'loads')
    adds = [gevent.spawn(registry.add, opened('a', source=LOADS_FOR_LONG.format(marker=marker))),
            gevent.spawn(registry.add, opened('a'))]
    until(lambda: os.path.exists(marker))
    registry.stop()
    for add in adds:
        with pytest.raises(ServiceError, match='the server stops'):
            add.get(timeout=20)
    with pytest.raises(ServiceError, match='model b is not changed: the server stops'):
        registry.remove('b', 1)
    assert running(str(tmp_path)) == []
    assert folders(workspace) == ['b']


def test_a_model_that_loads_for_ever_keeps_no_other_from_being_added(
        registry, opened, tmp_path, monkeypatch):
    monkeypatch.setattr(module, '_PATIENCE_S', 0.2)
    marker = str(tmp_path / 'loads')
    hangs = gevent.spawn(registry.add, opened('a', source=LOADS_FOR_LONG.format(marker=marker)))
    until(lambda: os.path.exists(marker))
    with gevent.Timeout(20):
        registry.add(opened('b'))
    assert ask(registry, 'b') == [2]
    hangs.kill()
    assert registry.names == ('b',)


def test_a_model_that_replaces_one_that_was_scaled_has_as_many_workers(registry, opened):
    registry.start([opened('a')])
    registry.scale('a', 3)
    registry.replace(opened('a', THRICE), drain_timeout_s=1)
    assert registry['a'].workers.size.workers == 3
    registry.remove('a', drain_timeout_s=1)
    registry.add(opened('a'))
    assert registry['a'].workers.size.workers == 1


def test_a_model_that_cannot_be_scaled_keeps_its_number(registry, opened, monkeypatch):
    registry.start([opened('a')])

    def refuse(*_):
        raise ServiceError('not now')

    with monkeypatch.context() as patch:
        patch.setattr(registry['a'].workers, 'scale', refuse)
        with pytest.raises(ServiceError, match='not now'):
            registry.scale('a', 3)
    registry.replace(opened('a', THRICE), drain_timeout_s=1)
    assert registry['a'].workers.size.workers == 1


def test_a_model_whose_replacement_fails_has_the_devices_that_its_workers_are_on(opened):
    both = Wanted('--device cpu:0,1', (Device(CPU, 0), Device(CPU, 1)))
    registry = new_registry(Settings(workers=PerModel(1), device=PerModel(both)))

    def device(name):
        worker, = registry[name].workers.here
        return worker.device.number

    registry.start([opened('a'), opened('b')])
    try:
        assert (device('a'), device('b')) == (0, 1)
        registry.remove('a', 1)
        with pytest.raises(ServiceError):
            registry.replace(opened('b', 'nonsense('), drain_timeout_s=1)
        registry.add(opened('c'))
        assert (device('b'), device('c')) == (1, 0)
    finally:
        registry.stop()


def test_a_stop_while_a_replacement_waits_for_its_workers_leaves_nothing(
        opened, workspace, monkeypatch):
    registry = new_registry()
    registry.start([opened('m')])
    waits, goes_on = gevent.event.Event(), gevent.event.Event()

    def match(*_):
        waits.set()
        goes_on.wait()

    monkeypatch.setattr(Supervisor, 'match', match)
    replacement = gevent.spawn(registry.replace, opened('m', THRICE), 1)
    waits.wait()
    registry.stop()
    goes_on.set()
    with pytest.raises(ServiceError, match='model m is not loaded: the server stops'):
        replacement.get(timeout=20)
    assert [model.state for model in registry.models] == [ModelState.GONE]
    assert folders(workspace) == ['m']


def test_a_model_without_workers_is_there_and_answers_when_it_has_some(
        registry, opened, workspace):
    registry.start([])
    registry.park(opened('a'))
    assert 'a' in registry
    assert (registry.names, list(registry.parked)) == ((), ['a'])
    with pytest.raises(ModelUnavailable, match='No worker is available to serve request for'):
        ask(registry, 'a')
    with pytest.raises(ModelExists):
        registry.add(opened('a'))
    registry.scale('a', 2, 3)
    assert ask(registry, 'a') == [2]
    assert (registry['a'].options.workers, registry['a'].options.max_workers) == (2, 3)
    pids = registry['a'].workers.pids
    registry.stop_workers('a', drain_timeout_s=5)
    until(lambda: not any(os.path.exists(f'/proc/{pid}') for pid in pids))
    assert folders(workspace) == ['a']
    registry.replace(opened('a', THRICE), drain_timeout_s=5)
    assert folders(workspace) == ['a']
    registry.scale('a', 1)
    assert ask(registry, 'a') == [3]
    registry.stop_workers('a', drain_timeout_s=5)
    registry.remove('a', drain_timeout_s=5)
    assert folders(workspace) == []
    with pytest.raises(ModelNotFound):
        ask(registry, 'a')


def test_listeners_know_of_a_model_without_workers(registry, opened):
    registry.start([])
    events, known, over = [], set(), []

    def look():
        while not over:
            known.add((*registry.names, *registry.unloaded))
            gevent.sleep(0)

    registry.subscribe(lambda event: events.append(event.change))
    registry.park(opened('a'))
    looking = gevent.spawn(look)
    registry.scale('a', 1)
    registry.stop_workers('a', drain_timeout_s=5)
    over.append(True)
    looking.join()
    # At no time it is two.
    assert known == {('a',)}
    registry.remove('a', drain_timeout_s=5)
    assert [change for change in events if change is not Change.STATE] == [
        Change.PARKED, Change.ADDED, Change.PARKED, Change.REMOVED]


def test_a_model_without_workers_that_does_not_load_stays_there(registry, opened, workspace):
    registry.start([])
    registry.park(opened('a', 'return data\n  nonsense('))
    for _ in range(2):
        with pytest.raises(ServiceError, match='cannot be served'):
            registry.scale('a', 1)
        assert (list(registry.parked), folders(workspace)) == (['a'], ['a'])


def test_who_stops_the_workers_of_a_model_waits_for_its_requests(registry, opened):
    registry.start([opened('a', SLOW)])
    request = gevent.spawn(ask, registry, 'a')
    gevent.sleep(0.1)
    registry.stop_workers('a', drain_timeout_s=10)
    assert request.get() == [2]
    assert list(registry.parked) == ['a']


def test_a_model_that_replaces_one_whose_workers_have_become_more_has_as_many(registry, opened):
    first = registry.add(opened('m')._replace(options=ModelOptions(workers=1, max_workers=3)))
    first.workers.resize(2)
    until(lambda: first.workers.agrees)
    registry.replace(opened('m', THRICE), 10)
    workers = registry['m'].workers
    assert (workers.alive, workers.size.workers, workers.bounds) == (2, 2, (1, 3))

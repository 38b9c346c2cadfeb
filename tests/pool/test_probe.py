"""Workers that are ill, beside others that are well: real processes, whose pings are theirs."""

import os

import gevent
import pytest
from fleet import ONE_CORE, patch_pool, supervisor, until
from harness import SERVICE, work

from mms.devices.device import Device
from mms.ipc.messages import Result

# Ill while there is a file of the worker's process id, or one for all; asked, each leaves a line.
PING = '''
        import os, time
        open({folder!r} + '/asked', 'a').write(f'{{os.getpid()}}\\n')
        for name in (str(os.getpid()), 'all'):
            if os.path.exists({folder!r} + '/' + name):
                raise OSError('the disk has gone')
        if os.path.exists({folder!r} + f'/hang{{os.getpid()}}'): time.sleep(600)
        new = {folder!r} + '/new'
        if os.path.exists(new) and str(os.getpid()) not in open(new).read().split():
            raise OSError('the licence has expired')
'''


class Model:
    """A model's workers, and files that make them ill."""

    def __init__(self, folder, workers):
        self.folder = folder
        self.workers = workers

    def fall_ill(self, name):
        (self.folder / str(name)).touch()

    def recover(self, name):
        (self.folder / str(name)).unlink()

    def ping(self):
        return self.workers.probe.ill_health()

    def asked(self):
        path = self.folder / 'asked'
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []


@pytest.fixture
def model_of(tmp_path):
    """A model whose workers can be made ill."""
    made = []

    def model_of(workers, **options):
        folder = tmp_path / f'model_of{len(made)}'
        folder.mkdir()
        source = SERVICE.format(body='        return data').replace(
            "return 'fine'", PING.format(folder=str(folder)).strip())
        supervised = supervisor(tmp_path, f'm{len(made)}', source=source, workers=workers,
                                resources=ONE_CORE, **options)
        made.append(supervised)
        supervised.start()
        return Model(folder, supervised)

    yield model_of
    for supervised in made:
        supervised.kill()


def answers(workers):
    worker = workers.acquire()
    answer = worker.exchange(work('[1]'))
    workers.release(worker)
    return isinstance(answer, Result)


def test_every_worker_is_asked_in_turn_one_at_each_ping(model_of):
    model = model_of(3)
    for _ in range(6):
        assert model.ping() == ''
    assert len(model.asked()) == 6
    assert set(model.asked()[:3]) == set(model.asked()[3:]) == set(model.workers.pids)


@pytest.mark.engine
def test_one_that_is_ill_beside_others_is_replaced_and_the_model_is_well(model_of, caplog):
    model = model_of(3)
    before = set(model.workers.pids)
    sick = model.workers.pids[1]
    model.fall_ill(sick)
    # As many pings as there are workers find it.
    assert {model.ping() for _ in range(3)} == {''}
    until(lambda: sick not in model.workers.pids)
    until(lambda: len(model.workers.pids) == 3)
    assert len(before & set(model.workers.pids)) == 2
    assert f'Worker {sick} of model m0 is ill: OSError: the disk has gone' in caplog.text
    assert f'Worker {sick} of model m0 is replaced, since others are well.' in caplog.text
    assert {model.ping() for _ in range(6)} == {''}
    assert len(before & set(model.workers.pids)) == 2


def test_one_that_is_ill_is_found_though_nobody_asks(model_of, monkeypatch):
    patch_pool(monkeypatch, '_ROUND_S', 0.3)
    model = model_of(2)
    sick = model.workers.pids[0]
    model.fall_ill(sick)
    until(lambda: sick not in model.workers.pids)
    until(lambda: len(model.workers.pids) == 2)


def test_a_busy_one_is_asked_when_it_is_done(model_of, monkeypatch):
    patch_pool(monkeypatch, '_ROUND_S', 0.2)
    model = model_of(2)
    busy = model.workers.acquire()
    model.fall_ill(busy.pid)
    until(lambda: model.workers.probe.is_due(busy))
    assert busy.pid not in model.asked()
    model.workers.release(busy)
    until(lambda: busy.pid not in model.workers.pids)
    until(lambda: len(model.workers.pids) == 2)
    assert model.ping() == ''


def test_a_model_that_is_ill_says_so_at_once_answers_and_says_at_once_that_it_is_well(model_of):
    model = model_of(3)
    assert model.ping() == ''
    model.fall_ill('all')
    assert model.ping() == 'OSError: the disk has gone'
    assert answers(model.workers)
    model.recover('all')
    assert model.ping() == ''


@pytest.mark.engine
def test_a_model_that_is_ill_keeps_its_workers_and_tries_new_ones_ever_more_seldom(
        model_of, caplog):
    model = model_of(3)
    before = set(model.workers.pids)
    model.fall_ill('all')
    for _ in range(60):
        assert model.ping()
        gevent.sleep(0.05)
    assert set(model.workers.pids) == before
    tried = set(model.asked()) - before
    assert 1 <= len(tried) <= 7
    assert 'its successor is no better: OSError: the disk has gone' in caplog.text
    until(lambda: not any(os.path.exists(f'/proc/{pid}') for pid in tried))


def test_where_only_new_workers_are_well_they_take_the_places(model_of):
    model = model_of(2)
    before = list(model.workers.pids)
    for pid in before:
        model.fall_ill(pid)
    assert model.ping()
    until(lambda: not set(before) & set(model.workers.pids))
    until(lambda: len(model.workers.pids) == 2)
    assert {model.ping() for _ in range(4)} == {''}


def test_while_successors_are_ill_those_that_are_well_are_asked_again(model_of, caplog):
    model = model_of(2)
    well, sick = model.workers.pids
    (model.folder / 'new').write_text(f'{well} {sick}')
    model.fall_ill(sick)
    assert {model.ping() for _ in range(3)} == {''}
    until(lambda: 'did not start: OSError: the licence has expired' in caplog.text)
    assert model.ping() == ''
    assert model.workers.pids == [well]
    assert answers(model.workers)
    # Neither the one that serves, while it is busy, nor the new ones are known to be well.
    busy = model.workers.acquire()
    count = caplog.text.count('did not start')
    until(lambda: caplog.text.count('did not start') > count)
    assert model.ping() == 'OSError: the licence has expired'
    model.workers.release(busy)
    until(lambda: model.ping() == '')


def test_a_ping_that_hangs_costs_its_worker_and_the_others_answer(model_of, monkeypatch):
    patch_pool(monkeypatch, '_LONGEST_PING_S', 0.5)
    model = model_of(2)
    hung = model.workers.pids[0]
    model.fall_ill(f'hang{hung}')
    assert {model.ping() for _ in range(2)} == {''}
    assert answers(model.workers)
    until(lambda: hung not in model.workers.pids)
    until(lambda: len(model.workers.pids) == 2)
    assert {model.ping() for _ in range(4)} == {''}


def test_a_worker_comes_back_though_the_one_who_asked_it_failed(model_of, monkeypatch, caplog):
    model = model_of(1)
    [before] = model.workers.pids
    health = model.workers.probe._health
    heard = health.heard
    broken = [TypeError('injected')]

    def heard_or_not(*arguments):
        if broken:
            raise broken.pop()
        return heard(*arguments)

    monkeypatch.setattr(health, 'heard', heard_or_not)
    model.ping()
    assert 'TypeError: injected' in caplog.text
    with gevent.Timeout(20):
        assert answers(model.workers)
    assert model.ping() == ''


def test_one_on_a_device_is_replaced_when_it_is_done(model_of):
    model = model_of(None, pool={'devices': [Device('cpu', 0)]})
    [before] = model.workers.pids
    busy = model.workers.acquire()
    model.fall_ill(before)
    model.workers.release(busy)
    assert model.ping()
    until(lambda: model.workers.pids and model.workers.pids != [before])
    until(lambda: model.ping() == '')
    assert answers(model.workers)

"""Workers that end while they are asked how they are: real processes, and what is made of it."""

import os
import signal

import gevent
import pytest
from fleet import kill, patch_pool, supervisor, until
from harness import SERVICE, work

from mms.pool.process_errors import WorkerGone

# Asked, it leaves a line; then it waits, or ends its process, while there is a file that says so.
PING = '''
        import os, signal, time
        def there(name): return os.path.exists({folder!r} + '/' + name)
        open({folder!r} + '/asked', 'a').write(f'{{os.getpid()}}\\n')
        while there('slow'): time.sleep(0.01)
        if there('crash'): os.kill(os.getpid(), signal.SIGSEGV)
        if there('exit'): os._exit(3)
        if there('hang'): time.sleep(600)
        if there('ill'): raise OSError('the disk has gone')
'''


class Model:
    """A model's workers, and files that say what their pings do."""

    def __init__(self, folder, workers):
        self.folder = folder
        self.workers = workers

    def let(self, name, is_so=True):
        path = self.folder / name
        path.touch() if is_so else path.unlink()

    def ping(self):
        return self.workers.probe.ill_health()

    def asked(self):
        path = self.folder / 'asked'
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []

    def until_asked(self):
        """Ask, and wait until a worker has heard it; its process id."""
        before = len(self.asked())
        assert self.ping() == ''
        until(lambda: len(self.asked()) > before)
        return self.asked()[-1]

    def until_whole(self, number):
        until(lambda: len([pid for pid in self.workers.pids
                           if os.path.exists(f'/proc/{pid}')]) == number)


@pytest.fixture
def model(tmp_path):
    """A model of so many workers."""
    made = []

    def model(workers):
        folder = tmp_path / f'files{len(made)}'
        folder.mkdir()
        source = SERVICE.format(body='        return data').replace(
            "return 'fine'", PING.format(folder=str(folder)).strip())
        supervised = supervisor(tmp_path, f'm{len(made)}', source=source, workers=workers)
        made.append(supervised)
        supervised.start()
        return Model(folder, supervised)

    yield model
    for supervised in made:
        supervised.kill()


@pytest.mark.engine
def test_one_that_is_killed_while_it_is_asked_says_nothing_of_the_busy_ones(model):
    it = model(2)
    busy = it.workers.acquire()
    for _ in range(3):
        it.let('slow')
        asked = it.until_asked()
        assert asked != busy.pid
        # A request waits, and takes the new worker before anybody else asks it.
        waiting = gevent.spawn(it.workers.acquire)
        gevent.sleep(0)
        kill(asked)
        it.let('slow', False)
        successor = waiting.get(timeout=20)
        assert {it.ping() for _ in range(3)} == {''}
        it.workers.release(successor)
    assert busy.pid not in it.asked()
    it.workers.release(busy)
    assert it.ping() == ''


@pytest.mark.engine
def test_one_that_ends_of_its_ping_has_the_busy_ones_asked_when_they_are_done(model):
    it = model(2)
    busy = it.workers.acquire()
    it.let('slow')
    asked = it.until_asked()
    os.kill(asked, signal.SIGSEGV)
    it.let('slow', False)
    until(lambda: asked not in it.workers.pids)
    assert it.ping() == ''
    assert it.workers.probe.is_due(busy)
    it.workers.release(busy)
    until(lambda: busy.pid in it.asked())
    assert it.ping() == ''


@pytest.mark.engine
@pytest.mark.parametrize(('manner', 'words'), [
    ('crash', 'its ping ended its worker (signal 11, SIGSEGV)'),
    ('exit', 'its ping ended its worker (exit status 3)'),
    ('hang', 'its ping did not return within 0 s')])
def test_a_model_whose_ping_ends_each_worker_is_ill_and_well_when_it_does_so_no_more(
        model, monkeypatch, manner, words):
    patch_pool(monkeypatch, '_LONGEST_PING_S', 0.4)
    it = model(1)
    it.let(manner)
    until(lambda: it.ping() == words)
    it.let(manner, False)
    until(lambda: it.ping() == '')


def test_one_new_worker_that_is_killed_when_it_is_asked_casts_no_doubt_on_the_others(
        model, caplog):
    it = model(2)
    well, victim = it.workers.pids
    assert {it.ping() for _ in range(2)} == {''}
    it.workers.borrow(next(worker for worker in it.workers.here if worker.pid == well))
    before = len(it.asked())
    it.let('slow')
    kill(victim)
    # Its successor is asked before it gets requests.
    until(lambda: len(it.asked()) > before)
    kill(it.asked()[-1])
    until(lambda: 'its process was ended before it said how it is' in caplog.text)
    it.let('slow', False)
    for _ in range(10):
        assert it.ping() == ''
        gevent.sleep(0.01)
    it.until_whole(2)


def test_a_model_that_says_it_is_ill_is_so_though_its_workers_are_killed(model):
    it = model(1)
    it.let('ill')
    assert it.ping() == 'OSError: the disk has gone'
    [before] = it.workers.pids
    kill(before)
    until(lambda: it.workers.pids and it.workers.pids != [before])
    until(lambda: it.ping() == 'OSError: the disk has gone')
    it.let('ill', False)
    until(lambda: it.ping() == '')


def test_questions_do_not_pile_up_while_workers_end(model):
    it = model(2)
    it.let('slow')
    asked = it.until_asked()
    gevent.joinall([gevent.spawn(it.ping) for _ in range(200)])
    assert it.asked() == [asked]
    kill(asked)
    it.let('slow', False)
    until(lambda: it.ping() == '' and len(it.workers.pids) == 2)


def test_what_a_worker_had_that_ended_with_its_template_is_for_no_other_of_its_workers(
        supervise, monkeypatch):
    workers = supervise('import time; time.sleep(60)\nreturn data', workers=3,
                        warm_up=False)
    first = workers.acquire()
    answer = gevent.spawn(first.exchange, work('[1]'))
    others = workers.free
    for other in others:
        # It is as if it ended a moment later, when it has been given a request.
        monkeypatch.setattr(other, '_died', lambda: None)
    kill(workers.template_pid)
    with pytest.raises(WorkerGone):
        answer.get(timeout=20)
    workers.release(first)
    assert not set(others) & set(workers.free)
    with gevent.Timeout(20):
        assert workers.acquire() not in others

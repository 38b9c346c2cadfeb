"""Models that answer first, and whose pool is measured beside that."""

import gevent
import pytest
from fleet import kill, mxnet_service, patch_pool, until
from harness import predicted, work

from mms.devices.device import CPU, Device
from mms.errors import ServiceError
from mms.ipc.findings import Findings, Fusion
from mms.ipc.messages import Result
from mms.runtime.resources import Resources

pytestmark = pytest.mark.engine
TWO = Resources(2, 2**40, 2)
STATIC = 'planned (static allocation)'
GLUON = mxnet_service('data = [self.net(data[0])]').replace(
    '        self.ctx = mx.cpu()', '''        self.ctx = mx.cpu()
        self.net = mx.gluon.nn.HybridSequential()
        with self.net.name_scope():
            self.net.add(mx.gluon.nn.Dense(2, in_units=2))
        self.net.initialize(mx.init.One())''')


def asked(workers, text='[[1, 2]]'):
    """What a worker answers."""
    worker = workers.acquire()
    try:
        result = worker.exchange(work(text))
        assert isinstance(result, Result)
        return predicted(result.answers[0])
    finally:
        workers.release(worker)


def are_in_place_of(ended, workers):
    """Whether there are new processes for a template that has ended, and its workers with it."""
    there = {workers.template_pid, *workers.pids}
    return not ended & there and len(workers.pids) == 2 and workers.template_pid


@pytest.fixture
def later(supervise):
    """A supervisor of a model that is measured later."""
    def start(source=None, **options):
        return supervise(source=source or mxnet_service('pass'), later=True,
                         **{'workers': None, 'resources': TWO, **options})
    return start


def test_a_model_answers_before_it_is_measured_and_is_the_same_afterwards(later):
    workers = later()
    assert not workers.ready.is_measured
    assert (workers.ready.batch_size, workers.size.wider) == (1, ())
    assert workers.ready.why_alone == 'it is not measured yet'
    first, pids = asked(workers), set(workers.pids)
    workers.measure()
    assert workers.ready.is_measured
    assert workers.ready.batch_size > 1
    assert not workers.ready.why_alone
    assert asked(workers) == first
    assert pids <= set(workers.pids)


def test_what_is_known_is_not_measured_again_but_proven(later, caplog):
    caplog.set_level('INFO')
    workers = later()
    workers.measure(Findings((1, 2), 8))
    assert (workers.ready.batch_size, workers.size.wider) == (8, (2,))
    assert sorted(worker.threads for worker in workers.here) == [1, 1, 2]
    assert not [line for line in caplog.messages if 'inference of' in line]
    alone = later(source=mxnet_service('data[0] = data[0] + len(data[0])'))
    alone.measure(Findings((1,), 8))
    assert alone.ready.batch_size == 1
    assert 'differ' in alone.ready.why_alone


@pytest.mark.parametrize('known', [None, Findings((1, 2), 16, (Fusion(1, 'net', STATIC),))])
def test_batches_are_known_before_the_rest_and_before_workers_are_replaced(later, known):
    workers, seen = later(source=GLUON.replace('data = [', 'time.sleep(0.01); data = [')), []
    pids = workers.pids
    workers.measure(known, lambda: seen.append(
        (workers.ready.is_measured, workers.ready.batch_size, workers.ready.why_alone,
         workers.size.wider, workers.pids == pids)))
    assert seen == [(False, 16, '', (), True), (True, 16, '', (), True)]


@pytest.mark.parametrize('at_its_end', ['an abort', 'the end of the template'])
def test_batches_that_are_known_stay_where_the_rest_is_not(later, at_its_end):
    body = 'time.sleep(0.01)\nimport threading\nif threading.current_thread().name == ' \
        '"thread-scaling": os.abort()'
    workers = later(source=mxnet_service(body if at_its_end == 'an abort' else 'time.sleep(0.01)'))
    first, template = asked(workers), workers.template_pid
    ended = set() if at_its_end == 'an abort' else {template, *workers.pids}
    with pytest.raises(ServiceError, match='ended while it was measured|has ended'):
        workers.measure(on_batches=lambda: at_its_end != 'an abort' and kill(template))
    until(lambda: are_in_place_of(ended, workers))
    assert asked(workers) == first
    assert not workers.ready.is_measured
    assert (workers.ready.batch_size, workers.ready.why_alone) == (16, '')


def test_a_worker_for_a_lone_request_that_does_not_start_is_done_without(later, caplog):
    workers = later(source=mxnet_service(
        'import threading\nif threading.current_thread().name == "hooks": os.abort()'))
    first = asked(workers)
    workers.measure(Findings((1, 2), 8))
    assert (workers.ready.batch_size, workers.size.wider) == (8, ())
    until(lambda: workers.agrees)
    assert [worker.threads for worker in workers.here] == [1, 1]
    assert asked(workers) == first
    assert not [record for record in caplog.records if record.levelname == 'ERROR']


def test_numbers_of_threads_that_there_are_not_are_not_taken(later):
    workers = later()
    workers.measure(Findings((1, 64), 8))
    assert workers.ready.is_measured
    assert 64 not in workers.ready.levels


def test_workers_with_faster_networks_take_the_place_of_all_that_are_there(later):
    workers = later(source=GLUON)
    first, pids = asked(workers), set(workers.pids)
    workers.measure(Findings((1,), 4, (Fusion(1, 'net', STATIC),)))
    assert not pids & set(workers.pids)
    assert len(workers.pids) == len(pids)
    assert asked(workers) == first
    pids = set(workers.pids)
    workers.measure(Findings((1,), 2, (Fusion(1, 'net', STATIC),)))
    assert set(workers.pids) == pids


def test_where_workers_with_faster_networks_do_not_start_those_that_are_there_go_on(
        later, monkeypatch):
    def refuse(template, threads):
        tried.append(threads)
        raise ServiceError('no worker process can be started')

    workers, tried = later(source=GLUON), []
    first, pids = asked(workers), set(workers.pids)
    with monkeypatch.context() as without:
        without.setattr('mms.pool.reconciler._LONGEST_WAIT_S', 1.0)
        without.setattr('mms.pool.template.Template.spawner', refuse)
        workers.measure(Findings((1,), 4, (Fusion(1, 'net', STATIC),)))
        assert tried
        assert set(workers.pids) == pids
        assert asked(workers) == first
    until(lambda: len(workers.pids) == len(pids) and not pids & set(workers.pids))


@pytest.mark.parametrize('forms', [
    (Fusion(1, 'net', 'no form'),), (Fusion(1, 'other', STATIC),), (Fusion(7, 'net', STATIC),)])
def test_forms_that_there_are_not_change_nothing(later, forms):
    workers = later(source=GLUON)
    first = asked(workers)
    workers.measure(Findings((1,), 4, forms))
    assert workers.ready.batch_size == 4
    assert asked(workers) == first


def test_a_template_that_dies_later_has_what_was_measured(later):
    workers = later(source=GLUON)
    first = asked(workers)
    workers.measure(Findings((1,), 4, (Fusion(1, 'net', STATIC),)))
    template = workers.template_pid
    kill(template)
    until(lambda: workers.template_pid not in (None, template) and len(workers.pids) == 2)
    assert (workers.ready.is_measured, workers.ready.batch_size) == (True, 4)
    assert asked(workers) == first


def test_a_model_that_cannot_be_measured_answers_as_before(later):
    workers = later(source=mxnet_service('if len(data[0]) > 1: os.abort()'))
    with pytest.raises(ServiceError, match='ended while it was measured'):
        workers.measure()
    assert not workers.ready.is_measured
    assert workers.ready.batch_size == 1
    assert 'it could not be measured (' in workers.ready.why_alone
    assert asked(workers)


def test_a_process_that_ends_while_it_measures_is_told(later, monkeypatch):
    workers = later(source=mxnet_service('time.sleep(0.05)'))
    first = asked(workers)
    measuring = gevent.spawn(workers.measure)
    gevent.sleep(0.5)
    ended = {workers.template_pid, *workers.pids}
    kill(workers.template_pid)
    with pytest.raises(ServiceError):
        measuring.get(timeout=60)
    until(lambda: are_in_place_of(ended, workers))
    assert not workers.ready.is_measured
    assert asked(workers) == first
    workers.measure()
    assert workers.ready.is_measured


def test_requests_are_answered_while_it_is_measured(later):
    workers = later(source=mxnet_service('time.sleep(0.01)'))
    measuring, count = gevent.spawn(workers.measure), 0
    while not measuring.ready():
        assert asked(workers)
        count += 1
    measuring.get()
    assert count > 3


def test_on_devices_all_is_measured_at_once(later):
    workers = later(workers=1, pool={'devices': [Device(CPU, 0)]})
    assert workers.ready.is_measured
    assert asked(workers)


def test_more_workers_than_pay_go_while_no_request_is_there(later, monkeypatch):
    patch_pool(monkeypatch, 'requests_per_s',
               lambda workers, batch_size: 10.0 if len(workers) != 2 else 30.0)
    workers = later(resources=Resources(4, 2**40, 2))
    assert workers.size[:2] == (4, 1)
    workers.measure(Findings((1, 2), 4))
    taken = workers.acquire()
    assert not workers.settle_beside()
    assert workers.size[:2] == (4, 1)
    workers.release(taken)
    assert workers.settle_beside()
    assert workers.size[:2] == (2, 2)
    until(lambda: len(workers.pids) == 2)


def test_what_is_measured_while_a_request_waits_counts_for_nothing(later, monkeypatch):
    def disturbed(measured, batch_size):
        waiting.append(gevent.spawn(workers.acquire))
        gevent.sleep(0.01)
        return 10.0 if len(measured) != 2 else 30.0

    workers, waiting = later(resources=Resources(4, 2**40, 2)), []
    patch_pool(monkeypatch, 'requests_per_s', disturbed)
    assert not workers.settle_beside()
    assert workers.size.workers == 4
    workers.release(waiting[0].get(timeout=20))


def test_requests_that_come_before_all_workers_are_there_disturb(later, monkeypatch):
    patch_pool(monkeypatch, 'requests_per_s',
               lambda workers, batch_size: 10.0 if len(workers) != 2 else 30.0)
    workers = later(resources=Resources(4, 2**40, 2))
    taking = gevent.spawn(workers.acquire)
    assert not workers.settle_beside()
    assert workers.size.workers == 4
    workers.release(taking.get(timeout=20))
    assert workers.settle_beside()
    assert workers.size.workers == 2


def test_who_asks_for_other_workers_while_they_are_measured_has_them(later, monkeypatch):
    def disturbed(measured, batch_size):
        if workers.size.workers == 4:
            workers.scale(3)
        return 10.0 if len(measured) != 2 else 30.0

    workers = later(resources=Resources(4, 2**40, 2))
    patch_pool(monkeypatch, 'requests_per_s', disturbed)
    assert not workers.settle_beside()
    assert (workers.size.workers, workers.size.why) == (3, 'as was asked for')
    until(lambda: workers.agrees and len(workers.pids) == 3)

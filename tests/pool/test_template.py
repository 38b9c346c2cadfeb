"""A template and the workers that are forked from it."""

import os
import signal

import gevent
import psutil
import pytest
from fleet import kill, mxnet_service, until
from harness import SERVICE, predicted, work

from mms.errors import ServiceError
from mms.ipc.messages import Ping
from mms.pool.process_errors import WorkerGone

PID = 'import os\nreturn [os.getpid(), os.getppid()]'
AT_FORK = 'import os, time\nos.register_at_fork(after_in_child=lambda: {act})\n' + SERVICE.format(
    body='        return data')


def ask(worker, text='[1]'):
    return bytes(predicted(worker.exchange(work(text)).answers[0]))


@pytest.mark.measured
def test_a_worker_is_a_child_of_its_template_by_name_and_in_a_group_of_its_own(template, fork):
    parent = template(PID)
    one, other = fork(parent), fork(parent)
    assert len({one.pid, other.pid, parent.pid}) == 3
    for worker in (one, other):
        assert ask(worker) == f'[{worker.pid},{parent.pid}]'.encode()
        assert psutil.Process(worker.pid).name() == 'mms-worker'
        assert os.getpgid(worker.pid) == os.getsid(worker.pid) == worker.pid
    assert psutil.Process(parent.pid).name() == 'mms-model'


@pytest.mark.engine
def test_workers_share_the_memory_of_their_template(template, fork):
    megabytes = 64
    source = f'import os\nWEIGHTS = os.urandom({megabytes << 20})\n' + SERVICE.format(
        body='        return [sum(WEIGHTS[::4096])]')
    parent = template(source=source)
    workers = [fork(parent) for _ in range(3)]
    assert len({ask(worker) for worker in workers}) == 1
    for worker in workers:
        memory = psutil.Process(worker.pid).memory_full_info()
        assert memory.rss > megabytes << 20
        assert memory.uss < megabytes << 19


def test_a_worker_says_what_its_template_said_of_the_model(start, fork, template):
    worker = fork(template())
    assert worker.ready == start().ready
    assert worker.ready.service_class == 'Service'


@pytest.mark.engine
def test_the_state_of_a_worker_is_its_own(template, fork):
    parent = template('self.count = getattr(self, "count", 0) + 1\nreturn [self.count]')
    one, other = fork(parent), fork(parent)
    assert [ask(one), ask(one), ask(other)] == [b'[1]', b'[2]', b'[1]']


@pytest.mark.engine
def test_the_death_of_a_forked_worker_is_told_once_and_names_the_signal(template, fork):
    dead, parent = [], template('import os; os.abort()', warm_up=False)
    worker = fork(parent, dead.append)
    with pytest.raises(WorkerGone, match='signal 6, SIGABRT'):
        ask(worker)
    assert dead == [worker]
    assert not parent.gone
    assert not psutil.pid_exists(worker.pid)


@pytest.mark.measured
def test_an_exit_of_a_forked_worker_is_told_with_its_status(template, fork):
    with pytest.raises(WorkerGone, match='exit status 7'):
        ask(fork(template('import os; os._exit(7)', warm_up=False)))


@pytest.mark.engine
def test_a_forked_worker_that_is_aborted_in_a_hook_counts_as_dead(template, fork):
    dead = []
    worker = fork(template('import time; time.sleep(600)', warm_up=False), dead.append)
    asked = gevent.spawn(ask, worker)
    gevent.sleep(0.1)
    worker.abort()
    with pytest.raises(WorkerGone, match='SIGKILL'):
        asked.get()
    assert dead == [worker]


@pytest.mark.measured
def test_what_a_service_arranged_for_its_end_is_done_by_its_template_alone(
        template, fork, tmp_path, caplog):
    caplog.set_level('INFO')
    bye = ('def bye():\n'
           f"    print('goodbye', flush=True); open({str(tmp_path / 'bye')!r}, 'w').close()\n"
           'import atexit; atexit.register(bye)\n')
    dead = []
    parent = template(source=bye + SERVICE.format(body='        return data'))
    fork(parent, dead.append).close()
    assert not (tmp_path / 'bye').exists()
    parent.close()
    assert (tmp_path / 'bye').exists()
    assert dead == []
    [record] = [record for record in caplog.records if record.getMessage() == 'goodbye']
    assert record.process == parent.pid


@pytest.mark.engine
def test_the_death_of_a_template_takes_its_workers_along(template, fork):
    dead, parent = [], template('import time; time.sleep(600)', warm_up=False)
    worker = fork(parent, dead.append)
    asked = gevent.spawn(ask, worker)
    gevent.sleep(0.1)
    kill(parent.pid)
    with pytest.raises(WorkerGone):
        asked.get()
    until(lambda: parent.gone)
    assert dead == [worker]
    with pytest.raises(ServiceError, match='template process has ended'):
        fork(parent)


def test_what_a_forked_worker_has_started_ends_with_it(template, fork):
    worker = fork(template("import os, subprocess\nsubprocess.Popen(['sleep', '600'])\n"
                           'if not os.fork(): __import__("time").sleep(600)\n'
                           'if data[0][0] == "die": os.abort()\nreturn data'))
    ask(worker)
    helpers = psutil.Process(worker.pid).children()
    assert len(helpers) == 2
    with pytest.raises(WorkerGone, match='SIGABRT'):
        ask(worker, '["die"]')
    for helper in helpers:
        until(lambda helper=helper: not helper.is_running()
              or helper.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.alone
@pytest.mark.parametrize(('act', 'reason'), [
    ('time.sleep(600)', 'not ready within 1 s'),
    ('os._exit(3)', 'ended while it loaded .exit status 3'),
    ('os.abort()', 'SIGABRT'),
])
def test_a_child_that_does_not_get_ready_is_an_error_and_leaves_no_process(
        template, fork, act, reason):
    parent = template(source=AT_FORK.format(act=act))
    with pytest.raises(ServiceError, match=reason):
        fork(parent, seconds=1)
    assert psutil.Process(parent.pid).children() == []


def test_a_model_that_does_not_run_in_a_forked_process_says_so(template, fork):
    parent = template(source=mxnet_service(
        "if os.getpid() != self.loaded_in: raise OSError('connection lost')"))
    with pytest.raises(ServiceError, match='not run in a forked process .*connection lost'):
        fork(parent)


@pytest.mark.engine
def test_a_worker_of_several_threads_answers_and_dies_as_one_of_one_thread_does(template, fork):
    dead = []
    parent = template(source=mxnet_service("if data[0][0, 0].asscalar() == 7: os.abort()"))
    worker = fork(parent, dead.append, threads=2)
    assert ask(worker, '[[1, 2]]') == b'[[2.0,4.0]]'
    assert worker.exchange(Ping()).reason == ''
    with pytest.raises(WorkerGone, match='SIGABRT'):
        ask(worker, '[[7, 0]]')
    assert dead == [worker]


def test_a_forked_worker_holds_no_socket_and_no_output_of_another(template, fork):
    parent = template()
    one = fork(parent)
    other = fork(parent)

    def ends(worker):
        return {os.readlink(f'/proc/{worker.pid}/fd/{fd}')
                for fd in os.listdir(f'/proc/{worker.pid}/fd')} - {'/dev/null'}

    assert not ends(one) & ends(other)
    one.close()
    assert ask(other) == b'[[1]]'


def test_a_terminate_to_a_template_and_its_workers_is_left_to_the_front(template, fork):
    parent = template()
    worker = fork(parent)
    for pid in (parent.pid, worker.pid):
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGINT)
    gevent.sleep(0.1)
    assert ask(worker) == b'[[1]]'
    assert ask(fork(parent)) == b'[[1]]'


@pytest.mark.parametrize('told', [-1, 0, 1])
def test_a_process_id_that_a_service_makes_up_is_refused_where_it_would_end_others(
        template, fork, told):
    parent = template(source=f'import mms.worker.loop\nmms.worker.loop.fork_worker = '
                             f'lambda *arguments: {told}\n'
                             + SERVICE.format(body='        return data'), warm_up=False)
    with pytest.raises(ServiceError, match='for a process id|its template'):
        fork(parent)
    assert psutil.pid_exists(parent.pid)

"""Models that cannot be forked, or not be warmed up, are served all the same."""

import re

import launcher
import psutil
import pytest
from fleet import mxnet_service, needs_compiler, patch_pool, sleeper, until
from harness import SERVICE, predicted, work

DATA = SERVICE.format(body='        return data')
FORK_ENDS = 'import os, time\nos.register_at_fork(after_in_child=lambda: {act})\n' + DATA
FORKS_END_LATER = '''import os, time
forks = []
os.register_at_fork(before=lambda: forks.append(1),
                    after_in_child=lambda: len(forks) > 4 and {act})
''' + DATA


def ask(workers, text):
    worker = workers.acquire()
    try:
        return predicted(worker.exchange(work(text)).answers[0])
    finally:
        workers.release(worker)


@pytest.fixture
def logged(caplog):
    caplog.set_level('INFO')
    return caplog


def constructed(line):
    return 'import socket, threading, time, _thread\n' + DATA.replace(
        'self.model_name = model_name', line)


@pytest.mark.parametrize(('line', 'reason'), [
    ('threading.Thread(target=time.sleep, args=(600,), name="poller", daemon=True).start()',
     'its constructor started the thread poller'),
    ('_thread.start_new_thread(time.sleep, (600,))', 'its constructor started 1 thread(s)'),
    ('self.pair = socket.socketpair()', 'its constructor left a connection, or a pipe'),
    ('self.file = open(__file__)', 'its constructor left service.py open'),
])
def test_a_model_with_threads_or_connections_is_loaded_by_each_worker(
        supervise, logged, line, reason):
    workers = supervise(source=constructed(line), workers=2)
    until(lambda: len(workers.pids) == 2)
    assert workers.template_pid is None
    assert [psutil.Process(pid).name() for pid in workers.pids] == ['mms-model'] * 2
    assert [psutil.Process(pid).ppid() for pid in workers.pids] == [psutil.Process().pid] * 2
    [line] = [text for text in logged.messages if 'is not forked' in text]
    assert line.startswith('Model m0 is not forked: ')
    assert reason in line
    assert ask(workers, '[1]') == b'[[1]]'


@needs_compiler
def test_a_thread_of_a_library_is_told_by_the_name_of_the_library(supervise, logged, tmp_path):
    # Before MXNet is imported, whose own threads do not count.
    workers = supervise(source=f'import ctypes\nctypes.CDLL({sleeper(tmp_path)!r}).start()\n'
                        + mxnet_service('pass'))
    assert 'is not forked: its constructor started 1 thread(s) of libsleeper.so' in logged.text
    assert ask(workers, '[[1, 2]]') == b'[[2.0,4.0]]'


def test_a_model_that_starts_a_thread_in_a_hook_is_not_forked(supervise, logged):
    workers = supervise(source='import threading\n' + mxnet_service(
        'threading.Thread(target=time.sleep, args=(600,), name="late", daemon=True).start()'))
    assert 'is not forked: its hooks started the thread late' in logged.text
    assert ask(workers, '[[1, 2]]') == b'[[2.0,4.0]]'


@pytest.mark.parametrize(('act', 'reason'), [
    ('time.sleep(600)', 'it takes longer than 5 s'), ('os.abort()', 'SIGABRT')])
def test_a_model_whose_forks_do_not_live_is_loaded_by_each_worker(
        supervise, logged, act, reason):
    workers = supervise(source=FORK_ENDS.format(act=act), workers=2)
    [line] = [text for text in logged.messages if 'is not forked' in text]
    assert reason in line
    assert workers.template_pid is None
    assert len(workers.pids) == 2
    assert ask(workers, '[1]') == b'[[1]]'


@pytest.mark.parametrize(('act', 'reason'), [
    ('time.sleep(600)', 'not ready within 1 s'), ('os.abort()', 'SIGABRT')])
def test_a_model_whose_forks_do_not_get_ready_is_loaded_by_each_worker(
        supervise, logged, monkeypatch, act, reason):
    patch_pool(monkeypatch, 'join_deadline_s', lambda load_s: 1.0)
    # Those in which it is tried out before it has workers do live.
    workers = supervise(source=FORKS_END_LATER.format(act=act), workers=2)
    [line] = [text for text in logged.messages if 'workers cannot be forked' in text]
    assert reason in line
    assert workers.template_pid is None
    assert len(workers.pids) == 2
    assert len(launcher.children(recursive=True)) == 2
    assert ask(workers, '[1]') == b'[[1]]'


def test_a_worker_that_was_not_forked_is_replaced_when_it_dies(supervise):
    workers = supervise(source=constructed('self.pair = socket.socketpair()'))
    [pid] = workers.pids
    psutil.Process(pid).kill()
    until(lambda: workers.pids and workers.pids != [pid])
    assert ask(workers, '[1]') == b'[[1]]'


@pytest.mark.parametrize(('line', 'reason'), [
    ('if data[0].max().asscalar() < 2: os.abort()', 'SIGABRT'),
    ('time.sleep(600 * (data[0].max().asscalar() < 2))', 'not run for the first time within 2 s'),
])
def test_a_model_that_a_made_up_input_kills_or_hangs_is_served_without_a_warm_up(
        supervise, logged, monkeypatch, line, reason):
    patch_pool(monkeypatch, '_WARM_UP_S', 2.0)
    workers = supervise(source=mxnet_service(line))
    [line] = [text for text in logged.messages if 'is not warmed up' in text]
    assert reason in line
    assert ask(workers, '[[1, 2]]') == b'[[2.0,4.0]]'
    # The template, which has run nothing, and a worker.
    assert len(launcher.children(recursive=True)) == 2


def test_a_model_that_raises_over_a_made_up_input_is_forked_all_the_same(supervise, logged):
    workers = supervise(source=mxnet_service(
        'if data[0].max().asscalar() < 2: raise ValueError("too small")'))
    assert workers.template_pid
    assert ask(workers, '[[1, 2]]') == b'[[2.0,4.0]]'
    [line] = [text for text in logged.messages if 'is not warmed up' in text]
    assert re.search(r'with a made-up request, service.py:\d+: ValueError: too small', line)

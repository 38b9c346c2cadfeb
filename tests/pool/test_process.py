"""One worker process, started for real."""

import json
import os
import signal
import socket

import gevent
import launcher
import psutil
import pytest
from fleet import mxnet_service, until
from harness import SERVICE, predicted, work

from mms.errors import ServiceError
from mms.ipc.messages import Ping, Pong, Result
from mms.ipc.request import Failure, Reply
from mms.pool.process import WorkerProcess
from mms.pool.process_errors import NoAnswer, NotSent, WarmUpFailed, WorkerGone


def ask(worker, text):
    """The answer to one request."""
    result = worker.exchange(work(text))
    assert isinstance(result, Result)
    return result.answers[0]


def test_a_worker_says_what_it_serves_and_answers_one_message_after_the_other(start):
    worker = start('return [data[0][0] + 1]')
    assert worker.ready.service_class == 'Service'
    assert worker.ready.signature['inputs'][0]['data_name'] == 'data'
    assert not worker.was_used
    assert worker.exchange(Ping()) == Pong('')
    assert worker.was_used
    for number in range(3):
        answer = ask(worker, f'[{number}]')
        assert isinstance(answer, Reply)
        assert predicted(answer) == f'[{number + 1}]'.encode()
        assert set(answer.stage_times_ms) == {'preprocess', 'inference', 'postprocess'}


def test_a_request_that_is_wrong_is_answered_by_the_name_of_its_error(start):
    worker = start()
    assert ask(worker, '{}').error == 'BadRequest'
    assert ask(worker, 'nonsense') == Failure(
        'BadRequest', 'Input data for request argument: data is not correct. it is neither JSON '
        'nor a Python literal (Expecting value: line 1 column 1 (char 0)).')


def test_the_death_of_a_worker_is_told_once_and_names_the_signal(start):
    dead = []
    worker = start('import os; os.abort()', on_death=dead.append, warm_up=False)
    with pytest.raises(WorkerGone, match='signal 6, SIGABRT'):
        ask(worker, '[1]')
    assert dead == [worker]
    assert worker.gone
    with pytest.raises(NotSent):
        worker.exchange(Ping())


def test_a_worker_that_is_closed_ends_without_being_told_of(start):
    dead = []
    worker = start(on_death=dead.append)
    process = psutil.Process(worker.pid)
    worker.close()
    assert not process.is_running()
    gevent.sleep(0.05)
    assert dead == []


def test_a_worker_that_is_closed_may_take_its_time_to_end_and_is_heard(start, tmp_path, caplog):
    caplog.set_level('INFO')
    bye = ("def bye():\n    import time; time.sleep(1.6); print('goodbye', flush=True)\n"
           f"    open({str(tmp_path / 'bye')!r}, 'w').close()\n"
           'import atexit; atexit.register(bye)\n')
    start(source=bye + SERVICE.format(body='        return data')).close()
    assert (tmp_path / 'bye').exists()
    assert 'goodbye' in caplog.text


def test_a_worker_that_is_aborted_in_a_hook_counts_as_dead(start):
    dead = []
    worker = start('import time; time.sleep(600)', on_death=dead.append, warm_up=False)
    asked = gevent.spawn(ask, worker, '[1]')
    gevent.sleep(0.1)
    worker.abort()
    with pytest.raises(WorkerGone, match='SIGKILL'):
        asked.get()
    assert dead == [worker]


def test_a_model_that_does_not_load_in_time_is_an_error_and_leaves_no_process(start):
    children = launcher.children(recursive=True)
    with pytest.raises(ServiceError, match='did not load within 1 s'):
        start(source='import time\ntime.sleep(600)\n', load_s=1)
    assert launcher.children(recursive=True) == children


def test_a_model_that_does_not_load_is_an_error_with_its_reason(start):
    with pytest.raises(ServiceError, match=r'service\.py:1: ModuleNotFoundError'):
        start(source='import nothing_like_this\n')
    with pytest.raises(ServiceError, match='ended while it loaded .exit status 7'):
        start(source='import os\nos._exit(7)\n')


def test_a_process_that_cannot_be_started_is_a_service_error(start, monkeypatch):
    def none_left(*args):
        raise OSError(24, 'Too many open files')

    monkeypatch.setattr('gevent.socket.socketpair', none_left)
    with pytest.raises(ServiceError, match='Too many open files'):
        start()


def test_a_worker_that_sends_nonsense_is_killed_and_counts_as_dead(start):
    dead = []
    worker = start("import os, sys\n"
                   "fd = int(sys.argv[sys.argv.index('--fd') + 1])\n"
                   "os.write(fd, b'\\x07' + bytes(11) + b'\\x02{]')\n"
                   "__import__('time').sleep(600)", on_death=dead.append, warm_up=False)
    with pytest.raises(WorkerGone, match='SIGKILL'):
        ask(worker, '[1]')
    assert dead == [worker]


def test_a_worker_holds_no_socket_of_the_front_but_its_own(start):
    with socket.socket() as listening:
        listening.bind(('127.0.0.1', 0))
        listening.listen()
        listening.set_inheritable(True)
        worker = start()
        assert psutil.Process(worker.pid).net_connections('inet') == []


def test_what_it_prints_costs_no_request_though_nobody_could_read_it_all(start, caplog):
    caplog.set_level('INFO')
    worker = start('print("x" * 300_000); print("end")\nreturn data')
    assert isinstance(ask(worker, '[1]'), Reply)
    with gevent.Timeout(10):
        while 'end' not in [record.getMessage() for record in caplog.records]:
            gevent.sleep(0.02)
    assert {record.process for record in caplog.records} == {worker.pid}


def test_one_that_never_stops_printing_keeps_nobody_else_from_running(start):
    worker = start('while True: print("x")', warm_up=False)
    asked = gevent.spawn(ask, worker, '[1]')
    turns = 0
    with gevent.Timeout(10):
        while turns < 100:
            gevent.sleep(0.001)
            turns += 1
    worker.kill()
    with pytest.raises(WorkerGone):
        asked.get()


def test_a_process_that_a_hook_forks_can_be_terminated(start):
    worker = start('import multiprocessing, time\n'
                   "child = multiprocessing.get_context('fork').Process(\n"
                   '    target=time.sleep, args=(600,))\n'
                   'child.start(); time.sleep(0.5); child.terminate(); child.join()\n'
                   'return [child.exitcode]')
    with gevent.Timeout(20):
        assert predicted(ask(worker, '[1]')) == b'[-15]'


def test_a_death_is_told_though_a_process_of_another_session_holds_the_output(start):
    worker = start("import os, subprocess\nsubprocess.Popen(['sleep', '5'], "
                   'start_new_session=True)\nos.abort()', warm_up=False)
    with gevent.Timeout(4), pytest.raises(WorkerGone, match='SIGABRT'):
        ask(worker, '[1]')


def test_a_ping_that_raises_or_exits_is_an_answer(start):
    for line in ('raise OSError("no licence")', 'raise SystemExit("no licence")'):
        source = SERVICE.format(body='        return data').replace("return 'fine'", line)
        assert start(source=source).exchange(Ping()).reason.endswith(': no licence')


def test_an_answer_that_is_late_is_no_answer_and_the_process_is_of_no_use_any_more(start):
    dead = []
    worker = start('import time; time.sleep(600)', on_death=dead.append, warm_up=False)
    with pytest.raises(NoAnswer, match='no answer within 0.2 s'):
        worker.exchange(work('[1]'), 0.2)
    worker.abort()
    until(lambda: dead)


def test_it_counts_the_requests_that_it_was_given(start):
    worker = start()
    worker.exchange(Ping())
    assert worker.served == 0
    worker.exchange(work('[1]', '[2]', '[3]'))
    assert worker.served == 3


@pytest.mark.parametrize(('line', 'reason'), [
    ('os.abort()', 'SIGABRT'), ('time.sleep(600)', 'not run for the first time within 1 s')])
def test_a_model_that_cannot_be_run_for_the_first_time_is_told_from_one_that_does_not_load(
        start, line, reason):
    with pytest.raises(WarmUpFailed, match=reason):
        start(source=mxnet_service(line), warm_up_s=1)


# Writes a message of the service's own into the channel of its process.
FORGES = '''
import os
import signal
import socket
import struct

for name in os.listdir('/proc/self/fd'):
    try:
        with socket.socket(fileno=os.dup(int(name))) as channel:
            if channel.family == socket.AF_UNIX:
                channel.sendall(struct.pack('!BIQ', {kind}, {size}, 0) + {text!r})
    except OSError:
        pass
'''


def forges(kind, text):
    return FORGES.format(kind=kind, size=len(text), text=text)


@pytest.mark.parametrize(('kind', 'text'), [(16, b'{"reason": ""}'), (10, b'{"places": "x"}')])
def test_a_worker_that_answers_what_nobody_has_asked_is_gone(start, kind, text):
    worker = start(forges(kind, text) + 'return data', warm_up=False)
    with pytest.raises(WorkerGone):
        ask(worker, '[1]')
    assert worker.gone


def test_a_process_that_is_ready_before_it_is_loaded_does_not_load(start):
    source = forges(16, b'{"reason": ""}') + SERVICE.format(body='        return data')
    with pytest.raises(ServiceError, match='sent a message of the kind Pong while it loaded'):
        start(source=source)


# It ends, so that a front that it stops says so.
FLOODS = """
import os, struct, sys, time
channel = int(sys.argv[sys.argv.index('--fd') + 1])
text = b'{"places": [], "answers": []}'
frames = 1000 * (struct.pack('!BIQ', 9, len(text), 0) + text)
ends = time.monotonic() + 15
while time.monotonic() < ends:
    os.write(channel, frames)
return data
"""


def test_one_that_never_stops_sending_keeps_nobody_else_from_running(start):
    worker = start(FLOODS, warm_up=False)
    asked = gevent.spawn(ask, worker, '[1]')
    for _ in range(50):
        gevent.sleep(0.001)
    assert not asked.ready()
    assert not worker.gone
    worker.kill()
    with pytest.raises(WorkerGone):
        asked.get()


def test_one_that_speaks_unasked_is_ended(start):
    later = forges(16, b'{"reason": ""}')
    worker = start('import threading\n'
                   f'threading.Timer(0.2, exec, [{later!r}, {{}}]).start()\nreturn data',
                   warm_up=False)
    assert isinstance(ask(worker, '[1]'), Reply)
    until(lambda: worker.gone)


@pytest.mark.parametrize(('fields', 'reason'), [
    ('"signature": {}', 'its signature: input_type and output_type are required'),
    ('"levels": ["1"]', 'numbers of requests or threads that are none'),
    ('"levels": [0]', 'numbers of requests or threads that are none'),
    ('"batch_size": 0', 'numbers of requests or threads that are none'),
])
def test_a_process_that_is_ready_with_what_is_none_does_not_load(start, fields, reason):
    signature = {'inputs': [], 'outputs': [], 'input_type': 'application/json',
                 'output_type': 'application/json'}
    ready = {'service_class': 'x', 'signature': signature, **json.loads(f'{{{fields}}}')}
    source = (forges(1, b'{}') + forges(2, json.dumps(ready).encode())
              + SERVICE.format(body='        return data'))
    with pytest.raises(ServiceError, match=reason):
        start(source=source)


def test_nothing_is_open_of_one_that_was_not_started():
    def refuse(ends):
        raise ServiceError('none today')

    gevent.sleep(0)
    before = sorted(os.listdir('/proc/self/fd'))
    # The error has all that was there in its traceback.
    with pytest.raises(ServiceError, match='none today') as error:
        WorkerProcess('m', refuse, 1, lambda process: None).join(1)
    until(lambda: sorted(os.listdir('/proc/self/fd')) == before)
    assert error.traceback


def test_a_model_heeds_its_children_in_a_program_that_ignores_its_own(start):
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        worker = start('import subprocess; return [subprocess.run(["false"]).returncode]')
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert predicted(ask(worker, '[1]')) == b'[1]'

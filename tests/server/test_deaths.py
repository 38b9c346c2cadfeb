"""What the death or illness of a worker costs, and how soon another one answers."""

import contextlib
import os
import re
import time

import psutil
from harness import SERVICE, until, write_archive

CRASH = '''
import ctypes, os, mxnet
if data[0][0] == 'abort':
    os.abort()
if data[0][0] == 'fault':
    ctypes.string_at(0)
return [os.getpid()]
'''
# Lines of the service before those, which begin with an empty one that is not there.
SERVICE_LINES = SERVICE.splitlines().index('{body}')


def test_a_worker_that_aborts_costs_its_request_alone(serve, tmp_path):
    server = serve('--models', f"crash={write_archive(tmp_path, 'crash', CRASH)}",
                   f"steady={write_archive(tmp_path, 'steady', CRASH)}", '--workers', 1)
    before = server.post_text('crash', '["pid"]').json()['prediction'][0]
    steady = {worker.pid for worker in server.workers('steady')}
    answer = server.post_text('crash', '["abort"]')
    assert answer.status_code == 500
    assert 'worker process of model crash died' in answer.json()['message']
    assert 'SIGABRT' in answer.json()['message']
    assert server.post_text('steady', '["pid"]').status_code == 200
    assert steady <= {worker.pid for worker in server.workers('steady')}
    # MXNet, which the service imports, would have handled this signal itself.
    fault = server.post_text('crash', '["fault"]')
    assert 'died over this request (signal 11, SIGSEGV)' in fault.json()['message']
    line = CRASH.splitlines().index('    ctypes.string_at(0)') + SERVICE_LINES
    until(lambda: re.search(rf'output:crash:0   File ".*service.py", line {line} in _inference',
                            server.log))
    until(lambda: server.log.count('How it ended: signal 11, SIGSEGV') == 2)
    # The next request waits for the new worker.
    after = server.post_text('crash', '["pid"]')
    assert after.status_code == 200
    assert after.json()['prediction'][0] != before
    assert server.get('/ping').status_code == 200


def test_a_worker_that_is_killed_while_idle_is_replaced(serve, tmp_path):
    server = serve('--models', f"crash={write_archive(tmp_path, 'crash', CRASH)}", '--workers', 1)
    [worker] = server.workers()
    worker.kill()
    until(lambda: {other.pid for other in server.workers()} - {worker.pid})
    assert server.post_text('crash', '["pid"]').status_code == 200


def test_a_model_whose_workers_do_not_start_any_more_is_unhealthy_until_they_do(serve, tmp_path):
    switch = tmp_path / 'broken'
    source = f'''
import os
if os.path.exists({str(switch)!r}):
    raise OSError('the licence has expired')
from mms.model_service.model_service import SingleNodeService
class Service(SingleNodeService):
    signature = {{'inputs': [{{'data_name': 'data', 'data_shape': [0]}}], 'outputs': [],
                 'input_type': 'application/json', 'output_type': 'application/json'}}
    def __init__(self, model_name, model_dir, manifest, gpu=None): pass
    def ping(self): return 'fine'
    def _inference(self, data): return data[0]
'''
    server = serve('--models', f"weak={write_archive(tmp_path, 'weak', source=source)}",
                   f"well={write_archive(tmp_path, 'well')}")
    switch.touch()
    server.templates('weak')[0].kill()
    until(lambda: server.get('/ping').status_code == 503, 60)
    assert server.get('/ping').json() == {'health': 'unhealthy!'}
    answer = server.post_text('weak', '[1]')
    assert answer.status_code == 503
    assert 'the licence has expired' in answer.json()['message']
    assert server.post_text('well', '[1]').json() == {'prediction': [[1]]}
    switch.unlink()
    until(lambda: server.get('/ping').status_code == 200, 60)
    assert server.post_text('weak', '[1]').json() == {'prediction': [1]}


def test_a_worker_that_hangs_in_its_ping_is_replaced(serve, tmp_path):
    hang = tmp_path / 'hang'
    source = 'import os, time\n' + SERVICE.format(body='        return data').replace(
        "return 'fine'", f'time.sleep(600 * os.path.exists({str(hang)!r}))')
    server = serve('--models', f"m={write_archive(tmp_path, 'm', source=source)}", '--workers', 1)
    hang.touch()
    [worker] = server.workers()
    began = time.monotonic()
    assert server.get('/ping').status_code == 200
    assert time.monotonic() - began < 5
    hang.unlink()
    # The request waits for the ping to be given up, and for the new worker.
    assert server.post_text('m', '[1]').json() == {'prediction': [[1]]}
    until(lambda: not worker.is_running())
    assert server.get('/ping').status_code == 200


def test_the_death_of_a_worker_is_noticed_though_a_process_that_it_started_lives(serve, tmp_path):
    source = 'import os\n' + SERVICE.format(body="""\
        os.system('sleep 600 &')
        if os.fork() == 0:
            os.execvp('sleep', ['sleep', '600'])
        if os.fork() == 0:
            __import__('time').sleep(600)
        if data[0][0] == 'abort':
            os.abort()
        return data""")
    server = serve('--models', f"m={write_archive(tmp_path, 'm', source=source)}", '--workers', 1)
    [worker] = server.workers()
    answer = server.post_text('m', '["abort"]')
    assert answer.json()['type'] == 'WorkerDiedException'
    assert server.post_text('m', '["well"]').json() == {'prediction': [['well']]}
    assert in_group(worker.pid) == []
    [worker] = server.workers()
    assert len(in_group(worker.pid)) > 1
    assert server.stop() == 0
    assert in_group(worker.pid) == []


def in_group(number):
    """Processes of a process group that run: those that ended may wait for init to notice."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getpgid(process.pid) == number and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def test_an_interrupt_in_a_hook_is_a_failed_hook_and_not_a_death(serve, tmp_path):
    body = 'import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n' \
           'raise KeyboardInterrupt'
    server = serve('--models', f"m={write_archive(tmp_path, 'm', body)}")
    assert server.post_text('m', '[1]').json()['type'] == 'InternalServerException'
    assert server.stop() == 0


def test_a_service_whose_ping_fails_makes_the_server_unhealthy(serve, tmp_path):
    sick = tmp_path / 'sick'
    source = 'import os\n' + SERVICE.format(body='        return data').replace(
        "return 'fine'", f'assert not os.path.exists({str(sick)!r})')
    server = serve('--models', f"m={write_archive(tmp_path, 'm', source=source)}")
    assert server.get('/ping').status_code == 200
    sick.touch()
    assert server.get('/ping').status_code == 503
    assert server.post_text('m', '[1]').status_code == 200
    sick.unlink()
    assert server.get('/ping').status_code == 200


def test_a_worker_that_is_ill_beside_others_is_replaced_and_the_server_stays_healthy(
        serve, tmp_path):
    sick = tmp_path / 'sick'
    source = 'import os\n' + SERVICE.format(body='        return [os.getpid()]').replace(
        "return 'fine'", f'assert not os.path.exists({str(sick)!r} + str(os.getpid()))')
    server = serve('--models', f"m={write_archive(tmp_path, 'm', source=source)}", '--workers', 3)
    [first, *others] = server.workers()
    (tmp_path / f'sick{first.pid}').touch()
    assert {server.get('/ping').status_code for _ in range(len(others) + 1)} == {200}
    until(lambda: not first.is_running())
    until(lambda: len(server.workers()) == len(others) + 1)
    assert {other.pid for other in others} < {worker.pid for worker in server.workers()}
    assert {server.get('/ping').status_code for _ in range(6)} == {200}
    answers = [server.post_text('m', '[1]') for _ in range(6)]
    assert {answer.status_code for answer in answers} == {200}
    assert f'Worker {first.pid} of model m is ill: AssertionError' in server.log


def test_a_dead_template_costs_no_later_request_and_is_replaced(serve, tmp_path):
    server = serve('--models', f"m={write_archive(tmp_path, 'm', CRASH)}", '--workers', 2)
    [template] = server.templates()
    before = {worker.pid for worker in server.workers()}
    template.kill()
    answers = [server.post_text('m', '["pid"]') for _ in range(4)]
    assert {answer.status_code for answer in answers} == {200}
    until(lambda: len({worker.pid for worker in server.workers()} - before) >= len(before))
    assert [other.pid for other in server.templates()] != [template.pid]
    assert 'The template process of model m died; it is being replaced.' in server.log

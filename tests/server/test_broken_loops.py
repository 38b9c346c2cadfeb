"""The loops of a real server are broken one after the other; it goes on, and says what failed."""

import sys

import pytest
import requests
from harness import until, write_archive

# Runs the server with one of its functions broken for the first few calls after a file is there.
BROKEN = '''
import os, sys
module, _, path = {target!r}.partition(':')
owner = __import__(module, fromlist=['x'])
*owners, name = path.split('.')
for part in owners:
    owner = getattr(owner, part)
right, left = getattr(owner, name), [{times}]
def broken(*arguments, **options):
    if left[0] and os.path.exists({switch!r}):
        left[0] -= 1
        raise TypeError('injected')
    return right(*arguments, **options)
setattr(owner, name, broken)
import mms.metrics.registry as registry
registry.Metrics.__init__.__kwdefaults__.update(interval_s=0.3, sample_interval_s=0.1)
from mms.mxnet_model_server import main
sys.exit(main())
'''


@pytest.fixture
def broken(serve, tmp_path):
    """A server of one model, in which a function is broken once a file is there."""
    def broken(target, times=2, words=()):
        switch = tmp_path / 'switch'
        code = BROKEN.format(target=target, switch=str(switch), times=times)
        server = serve('--models', f"m={write_archive(tmp_path, 'm')}", '--workers', 2, *words,
                       command=(sys.executable, '-c', code))
        server.switch = switch
        return server

    return broken


def status(ask):
    try:
        return ask().status_code
    except requests.ConnectionError:
        return 0


@pytest.mark.parametrize(('target', 'answer', 'over'), [
    ('mms.serving.scheduler:Scheduler._next_batch', 200, 'the queue of model m'),
    ('mms.serving.scheduler:Scheduler._work', 500, 'a batch of model m'),
    ('mms.frontend.http.connection:Connection._environ', 500, 'a request from 127.0.0.1'),
    ('mms.frontend.http.server:HTTPServer.handle', 0, ''),
    ('mms.frontend.http.server:HTTPServer.do_read', 200, ''),
])
def test_requests_are_answered_while_it_fails_and_served_afterwards(broken, target, answer, over):
    server = broken(target)
    assert server.post_text('m', '[1]').status_code == 200
    server.switch.touch()
    first = [status(lambda: server.post_text('m', '[1]')) for _ in range(2)]
    assert first == [answer] * 2
    assert {status(lambda: server.post_text('m', '[1]')) for _ in range(6)} == {200}
    assert server.get('/ping').status_code == 200
    assert 'TypeError: injected' in server.log
    assert f'The server itself failed over {over}' in server.log or not over
    assert server.stop() == 0


def test_a_queue_that_fails_again_and_again_makes_the_server_unhealthy(broken):
    server = broken('mms.serving.registry:Registry._threads', times=10**9)
    server.switch.touch()
    answer = server.post_text('m', '[1]')
    assert answer.status_code == 500
    assert answer.json() == {
        'code': 500, 'type': 'InternalServerException',
        'message': 'The server itself failed over this request of model m; its log says how.'}
    assert server.get('/ping').status_code == 503
    assert 'Model m is unhealthy: the server itself fails over the queue of model m ' \
           '(TypeError: injected)' in server.log
    server.switch.unlink()
    assert server.post_text('m', '[1]').status_code == 200
    assert server.get('/ping').status_code == 200


def test_health_that_cannot_be_told_is_no_health(broken):
    server = broken('mms.serving.scheduler:Scheduler.ill_health')
    server.switch.touch()
    assert [server.get('/ping').status_code for _ in range(3)] == [503, 503, 200]
    assert 'Model m is unhealthy: its health cannot be told (TypeError: injected)' in server.log


@pytest.mark.parametrize('target', [
    'mms.metrics.log_sink:LogSink.write', 'mms.metrics.registry:points_of',
    'mms.metrics.host:HostGauges.sample', 'mms.metrics.registry:Metrics._sample',
])
def test_metrics_are_written_again_after_a_fault(broken, target):
    server = broken(target)
    server.switch.touch()
    until(lambda: 'TypeError: injected' in server.log)
    written = server.log.count('Metric CPUUtilization')
    until(lambda: server.log.count('Metric CPUUtilization') > written + 2)
    assert 'Traceback' in server.log
    assert server.post_text('m', '[1]').status_code == 200
    until(lambda: 'Metric PredictionTotal' in server.log)
    assert server.get('/ping').status_code == 200
    assert server.stop() == 0


def test_a_worker_is_replaced_though_its_end_was_not_understood(broken):
    server = broken('mms.pool.process:WorkerProcess._reap', times=1)
    server.switch.touch()
    [dead, _] = server.workers()
    dead.kill()
    until(lambda: 'TypeError: injected' in server.log)
    until(lambda: len({worker.pid for worker in server.workers()} - {dead.pid}) == 2)
    assert {status(lambda: server.post_text('m', '[1]')) for _ in range(6)} == {200}

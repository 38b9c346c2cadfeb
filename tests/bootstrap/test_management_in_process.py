"""The management port's application, asked without a port."""

import json
from contextlib import ExitStack

import gevent
import pytest
from fleet import new_registry, until
from harness import write_archive

from mms.bootstrap.model_loader import ModelLoader
from mms.bootstrap.opening import Opener
from mms.frontend.management import model_jobs
from mms.frontend.management.application import management_application
from mms.frontend.management.middleware import NoTokenAsked
from mms.frontend.management.model_jobs import ModelJobs
from mms.frontend.management.model_store import ModelStore
from mms.frontend.management.models_api import Server
from mms.metrics.server_metrics import ServerMetrics
from mms.pool.supervisor import Supervisor
from mms.runtime.byte_budget import ByteBudget
from mms.serving.server_state import ServerLifecycle, ServerState

pytestmark = pytest.mark.usefixtures('no_shell_stays')

HANGS = '''
import os, time
from mms.model_service.model_service import SingleNodeService


class Service(SingleNodeService):
    def __init__(self, *_):
        open({marker!r}, 'a').close()
        time.sleep(60)
'''


@pytest.fixture
def registry():
    registry = new_registry()
    yield registry
    registry.stop()


@pytest.fixture
def lifecycle():
    lifecycle = ServerLifecycle()
    lifecycle.turn_to(ServerState.SERVING)
    return lifecycle


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / 'store'
    folder.mkdir()
    write_archive(folder, 'a', 'return [2 * data[0][0][0]]')
    write_archive(folder, 'hangs', source=HANGS.format(marker=str(tmp_path / 'began')))
    return folder


@pytest.fixture
def jobs(registry):
    with ExitStack() as undo:
        loader = ModelLoader(Opener(undo), registry, drain_timeout_s=5)
        yield ModelJobs(registry, loader, drain_timeout_s=5)


@pytest.fixture
def ask(registry, lifecycle, store, jobs):
    """Ask for a path: the status line, and what is answered."""
    server = Server(registry, jobs._loader, ModelStore(str(store), '--model-store', False),
                    ServerMetrics().summary, lifecycle, (), ByteBudget())
    application = management_application(server, jobs, NoTokenAsked('127.0.0.1'))

    def ask(method, target):
        path, _, query = target.partition('?')
        told = []
        body = application({'REQUEST_METHOD': method, 'PATH_INFO': path, 'QUERY_STRING': query,
                            'CONTENT_LENGTH': '0', 'wsgi.input': None},
                           lambda line, headers: told.append(line))
        return told[0], json.loads(b''.join(body))
    return ask


def test_workers_that_are_not_there_in_time_are_told(ask, monkeypatch):
    assert ask('POST', '/models?url=a.model')[0] == '200 OK'
    monkeypatch.setattr(model_jobs, '_SCALING_PATIENCE_S', 0.0)
    assert ask('PUT', '/models/a?min_worker=3&synchronous=true') == (
        '210 PARTIAL SUCCESS', {'status': 'Workers scaling in progress...'})
    monkeypatch.undo()
    assert ask('PUT', '/models/a?min_worker=3&synchronous=true')[0] == '200 OK'


def test_workers_that_do_not_start_are_told(ask, registry, monkeypatch):
    ask('POST', '/models?url=a.model')
    # As the pool says of itself when several have failed.
    monkeypatch.setattr(type(registry['a'].workers), 'failure', 'they fail')
    assert ask('PUT', '/models/a?min_worker=3&synchronous=true') == (
        '500 INTERNAL SERVER ERROR', {'code': 500, 'type': 'InternalServerException',
                                      'message': 'Failed to start workers: they fail'})


def test_a_most_alone_bounds_the_workers(ask):
    assert ask('POST', '/models?url=a.model&max_worker=2')[0] == '200 OK'
    told = ask('GET', '/models/a')[1]
    assert (told['minWorkers'], told['maxWorkers'], len(told['workers'])) == (1, 2, 1)
    assert 'as the load asks for' in told['whyWorkers']


@pytest.mark.parametrize(('change', 'answer'), [
    (('PUT', '/models/a?url=a.model&synchronous=true'), '200 OK'),
    (('PUT', '/models/a?min_worker=0&synchronous=true'), '503 SERVICE UNAVAILABLE'),
    (('DELETE', '/models/a'), '404 NOT FOUND'),
])
def test_who_waits_for_workers_waits_for_none_that_have_gone(
        ask, registry, monkeypatch, change, answer):
    ask('POST', '/models?url=a.model')
    first = registry['a'].workers
    # They never become as many as they are to be.
    monkeypatch.setattr(Supervisor, 'agrees', property(lambda workers: workers is not first))
    scaling = gevent.spawn(ask, 'PUT', '/models/a?min_worker=2&synchronous=true')
    until(lambda: first.size.workers == 2)
    with gevent.Timeout(20):
        assert ask(*change)[0] == '200 OK'
        assert scaling.get()[0] == answer


def test_nobody_waits_for_workers_of_a_server_that_stops(ask, registry, jobs, monkeypatch):
    ask('POST', '/models?url=a.model')
    monkeypatch.setattr(Supervisor, 'agrees', False)
    scaling = gevent.spawn(ask, 'PUT', '/models/a?min_worker=2&synchronous=true')
    until(lambda: registry['a'].workers.size.workers == 2)
    jobs.stop()
    assert scaling.get(timeout=20)[0] == '503 SERVICE UNAVAILABLE'


def test_a_model_that_loads_has_a_place_whoever_wants_it_scaled(ask, tmp_path):
    load = gevent.spawn(ask, 'POST', '/models?url=hangs.model')
    until((tmp_path / 'began').exists)
    assert ask('PUT', '/models/hangs?min_worker=2')[0] == '202 ACCEPTED'
    assert ask('GET', '/models')[1]['models'] == [
        {'modelName': 'hangs', 'modelUrl': 'hangs.model'}]
    assert ask('GET', '/models/hangs')[1]['status'] == 'loading'
    assert ask('DELETE', '/models/hangs')[0] == '200 OK'
    assert load.get()[0] == '500 INTERNAL SERVER ERROR'
    assert ask('GET', '/models')[1]['models'] == []


def test_a_replacement_that_never_ends_gives_way_to_the_next(
        ask, registry, monkeypatch, tmp_path):
    ask('POST', '/models?url=a.model')
    before = registry['a']
    hangs = gevent.spawn(ask, 'PUT', '/models/a?url=hangs.model&synchronous=true')
    until((tmp_path / 'began').exists)
    monkeypatch.setattr(model_jobs, '_LONG_LOAD_S', 0.0)
    with gevent.Timeout(20):
        assert ask('PUT', '/models/a?url=a.model&synchronous=true')[0] == '200 OK'
        status, told = hangs.get()
    assert (status, told['message']) == (
        '500 INTERNAL SERVER ERROR', 'Model a is not replaced: it was still being loaded when '
                                     'another replacement was asked for.')
    assert registry['a'] is not before
    assert len(registry.models) == 1
    assert 'replacement' not in ask('GET', '/models/a')[1]


def test_a_server_that_stops_changes_nothing_more(ask, jobs, tmp_path):
    load = gevent.spawn(ask, 'POST', '/models?url=hangs.model')
    until((tmp_path / 'began').exists)
    jobs.stop()
    status, told = load.get(timeout=20)
    assert (status, told['message']) == (
        '503 SERVICE UNAVAILABLE', 'Model hangs is not loaded: the server stops.')
    status, told = ask('POST', '/models?url=a.model')
    assert (status, told['message']) == (
        '503 SERVICE UNAVAILABLE', 'The server stops, and changes no model any more.')

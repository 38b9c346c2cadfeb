"""Models that are brought, loaded and replaced while others answer."""

import json
import os
import socket
from contextlib import ExitStack

import gevent
import pytest
from fleet import new_registry, until
from harness import asking, predicted, write_archive

from mms.archive.location import Location
from mms.bootstrap.model_loader import ModelLoader
from mms.bootstrap.opening import Opener
from mms.errors import ModelExists, ModelNotFound, StartupError
from mms.serving.model_options import ModelOptions

pytestmark = pytest.mark.usefixtures('no_shell_stays')

TWICE = 'return [2 * data[0][0][0]]'
THRICE = 'return [3 * data[0][0][0]]'


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / 'temporary'
    folder.mkdir()
    monkeypatch.setattr('tempfile.tempdir', str(folder))
    return folder


@pytest.fixture
def registry():
    registry = new_registry()
    yield registry
    registry.stop()


@pytest.fixture
def loader(registry, temporary):
    with ExitStack() as undo:
        yield ModelLoader(Opener(undo), registry, drain_timeout_s=10)


@pytest.fixture
def location(tmp_path):
    return lambda name, body=TWICE: Location.parse(write_archive(tmp_path, name, body))


def ask(registry, name):
    return json.loads(predicted(registry.submit(name, asking('[[1]]'))))


def extracted(temporary):
    return sorted(name for folder in temporary.iterdir() for name in os.listdir(folder))


def test_a_model_is_loaded_with_its_options_and_named_as_its_archive(loader, registry, location):
    options = ModelOptions(workers=2, max_batch_delay_s=0.01, request_timeout_s=7.0)
    model = loader.load(None, location('b'), options)
    assert registry.names == ('b',)
    assert ask(registry, 'b') == [2]
    assert (model.options, model.workers.size.workers) == (options, 2)
    assert (model.limits.max_batch_delay_s, model.limits.request_timeout_s) == (0.01, 7.0)
    with pytest.raises(ModelExists):
        loader.load('b', location('b'))
    assert list(loader.failures) == []


def test_a_replacement_has_the_options_of_the_old_one_where_none_are_given(
        loader, registry, location, temporary):
    loader.load('a', location('a'), ModelOptions(workers=2, request_timeout_s=7.0))
    loader.replace('a', location('new', THRICE), ModelOptions(request_timeout_s=5.0))
    model = registry['a']
    assert ask(registry, 'a') == [3]
    assert model.options == ModelOptions(workers=2, request_timeout_s=5.0)
    assert model.workers.size.workers == 2
    assert len(extracted(temporary)) == 1
    with pytest.raises(ModelNotFound):
        loader.replace('none', location('b'))
    assert len(extracted(temporary)) == 1


def test_what_cannot_be_served_is_told_until_it_can(loader, registry, location, temporary):
    loader.load('a', location('a'))
    for bad in (Location.parse('none.model'), location('bad', 'return data\n  nonsense(')):
        with pytest.raises(StartupError):
            loader.replace('a', bad)
        failure, = loader.failures
        assert (failure.name, failure.location) == ('a', str(bad))
        assert 'cannot be served' in failure.reason
        assert ask(registry, 'a') == [2]
    assert len(extracted(temporary)) == 1
    loader.replace('a', location('new', THRICE))
    assert loader.failures.of('a') is None


def test_an_archive_that_nobody_waits_for_leaves_no_files(loader, location, temporary):
    with open(location('a').path, 'rb') as file:
        archive = file.read()
    with socket.create_server(('127.0.0.1', 0)) as server:
        server.setblocking(False)
        url = f'http://127.0.0.1:{server.getsockname()[1]}/a.model'
        load = gevent.spawn(loader.load, 'a', Location.parse(url))
        gevent.sleep(0.05)
        until(lambda: extracted(temporary))
        load.kill()
        server.setblocking(True)
        connection, _ = server.accept()
        with connection:
            connection.sendall(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n' + archive)
    until(lambda: extracted(temporary) == [])

"""Models that come, are replaced and go as the files of a folder do."""

import hashlib
import json
import logging
import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import gevent
import pytest
from fleet import new_registry, until
from harness import asking, predicted, write_archive

from mms.archive.location import Location
from mms.bootstrap.model_loader import ModelLoader
from mms.bootstrap.opening import Opener
from mms.runtime.signals import leave_errors_to_who_waits
from mms.serving import watched_files, watcher
from mms.serving.watched_files import scan
from mms.serving.watcher import Watcher

pytestmark = pytest.mark.usefixtures('no_shell_stays')

TIMES = 'return [{} * data[0][0][0]]'
LONG_S = 30
# A service whose module takes a while to be loaded.
SLOW = '''
import time
time.sleep(1.5)
from mms.model_service.model_service import SingleNodeService


class Service(SingleNodeService):
    signature = {'inputs': [{'data_name': 'data', 'data_shape': [0, 1]}], 'outputs': [],
                 'input_type': 'application/json', 'output_type': 'application/json'}

    def __init__(self, *_):
        pass

    def ping(self):
        pass

    def _inference(self, data):
        return data
'''


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """What takes seconds elsewhere takes a moment here."""
    monkeypatch.setattr(watched_files, 'SETTLED_S', 0.2)
    monkeypatch.setattr(watched_files, 'BROKEN_S', 0.6)
    monkeypatch.setattr(watched_files, 'GONE_S', 0.5)
    monkeypatch.setattr(watcher, '_INTERVAL_S', 0.05)
    monkeypatch.setattr(watcher, '_FIRST_S', 2.0)


class Watched:
    """A folder that is watched, and the models that are served."""

    def __init__(self, folder, elsewhere):
        self.folder, self.elsewhere = folder, elsewhere
        self.models = new_registry()
        self.undo = ExitStack()
        self.loader = ModelLoader(Opener(self.undo), self.models, drain_timeout_s=10)
        self.watcher = None

    def watch(self):
        self.watcher = Watcher(str(self.folder), self.models, self.loader, scan(str(self.folder)),
                               10.0)
        self.watcher.load_present()
        self.watcher.start()

    def put(self, name, number, **options):
        """Move an archive into the folder at one go."""
        made = write_archive(self.elsewhere, name, TIMES.format(number), **options)
        os.replace(made, self.folder / f'{name}.model')

    def path(self, name):
        return str(self.folder / f'{name}.model')

    def ask(self, name):
        return json.loads(predicted(self.models.submit(name, asking('[[1]]'))))[0]

    def close(self):
        if self.watcher is not None:
            self.watcher.stop()
        self.models.stop()
        self.undo.close()


@pytest.fixture
def watched(tmp_path, monkeypatch):
    for name in ('watched', 'elsewhere', 'temporary'):
        (tmp_path / name).mkdir()
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path / 'temporary'))
    # As a server does; what the loop would log of a thread depends on who has used it before.
    leave_errors_to_who_waits()
    made = Watched(tmp_path / 'watched', tmp_path / 'elsewhere')
    yield made
    made.close()


def errors(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_what_is_there_is_served_and_what_changes_is_replaced_and_what_goes_goes(watched):
    watched.put('a', 2)
    watched.watch()
    assert watched.ask('a') == 2
    watched.put('b', 3)
    until(lambda: 'b' in watched.models, LONG_S)
    assert watched.ask('b') == 3
    watched.put('a', 5)
    until(lambda: watched.ask('a') == 5, LONG_S)
    os.remove(watched.path('b'))
    until(lambda: 'b' not in watched.models, LONG_S)
    assert watched.models.names == ('a',)
    assert watched.watcher.remarks() == []


def test_a_file_is_loaded_when_its_last_byte_is_there_and_not_before(watched, caplog):
    watched.watch()
    data = Path(write_archive(watched.elsewhere, 'a', TIMES.format(2))).read_bytes()
    with open(watched.path('a'), 'wb') as file:
        for place in range(0, len(data), len(data) // 10 + 1):
            file.write(data[place:place + len(data) // 10 + 1])
            file.flush()
            gevent.sleep(0.3)
            assert 'a' not in watched.models or file.tell() == len(data)
    until(lambda: 'a' in watched.models, LONG_S)
    assert errors(caplog) == []


def test_a_broken_file_leaves_the_old_model_and_is_told_once(watched, caplog):
    caplog.set_level('INFO')
    watched.put('a', 2)
    watched.watch()
    # Never seen half-written.
    shutil.copyfile(__file__, f"{watched.path('a')}.part")
    os.replace(f"{watched.path('a')}.part", watched.path('a'))
    until(watched.watcher.remarks, LONG_S)
    gevent.sleep(0.5)
    assert watched.ask('a') == 2
    told, = watched.watcher.remarks()
    why = (f'model a cannot be served: {watched.path("a")} is not a model archive: it is not a zip '
           'file')
    assert told == f'{why}; model a stays as it was'
    assert errors(caplog) == [why]
    assert 'Model a stays as it was.' in caplog.messages
    watched.put('a', 3)
    until(lambda: not watched.watcher.remarks(), LONG_S)
    assert watched.ask('a') == 3
    assert list(watched.loader.failures) == []


def test_a_model_that_does_not_start_leaves_the_old_one(watched, caplog):
    watched.put('a', 2)
    watched.watch()
    watched.put('a', 0, source='raise ValueError("no such luck")')
    until(watched.watcher.remarks, LONG_S)
    assert 'no such luck' in watched.watcher.remarks()[0]
    assert watched.ask('a') == 2
    os.remove(watched.path('a'))
    until(lambda: 'a' not in watched.models, LONG_S)
    assert watched.watcher.remarks() == []


def test_a_model_that_is_removed_stays_away_until_its_file_changes(watched):
    watched.put('a', 2)
    watched.watch()
    assert watched.ask('a') == 2
    watched.models.remove('a', 1.0)
    gevent.sleep(0.6)
    assert 'a' not in watched.models
    os.utime(watched.path('a'), (1, 1))
    until(lambda: 'a' in watched.models, LONG_S)


def test_another_file_that_holds_the_same_replaces_nothing(watched, caplog):
    watched.put('a', 2)
    watched.watch()
    served = watched.models['a']
    shutil.copyfile(watched.path('a'), watched.elsewhere / 'copy')
    os.replace(watched.elsewhere / 'copy', watched.path('a'))
    caplog.set_level(logging.INFO)
    until(lambda: 'holds what it held' in caplog.text, LONG_S)
    assert watched.models['a'] is served


def test_a_model_of_another_place_keeps_its_name(watched, caplog):
    there = write_archive(watched.elsewhere, 'a', TIMES.format(7))
    watched.loader.load('a', Location.parse(there))
    watched.put('b', 3)
    os.replace(watched.path('b'), watched.path('a'))
    watched.watch()
    assert watched.ask('a') == 7
    told, = watched.watcher.remarks()
    assert told == f'{watched.path("a")} is not served: model a is served from {there}'
    assert errors(caplog) == [told]
    os.remove(watched.path('a'))
    until(lambda: not watched.watcher.remarks(), LONG_S)
    assert watched.ask('a') == 7


def test_a_model_of_the_start_that_lies_in_the_folder_is_watched_and_not_loaded_again(watched):
    watched.put('a', 2)
    watched.loader.load('a', Location.parse(watched.path('a')))
    served = watched.models['a']
    watched.watch()
    assert watched.models['a'] is served
    watched.put('a', 3)
    until(lambda: watched.ask('a') == 3, LONG_S)


def test_a_model_with_a_digest_is_replaced_by_no_other_archive(watched):
    watched.put('a', 2)
    archive = Path(watched.path('a'))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    shutil.copy(archive, watched.elsewhere / 'first')
    watched.loader.load('a', Location.parse(f'{archive}#sha256={digest}'))
    watched.watch()
    watched.put('a', 3)
    until(watched.watcher.remarks, LONG_S)
    assert f'#sha256= says {digest}' in watched.watcher.remarks()[0]
    assert watched.ask('a') == 2
    archive.unlink()
    until(lambda: 'a' not in watched.models, LONG_S)
    watched.put('a', 3)
    until(watched.watcher.remarks, LONG_S)
    assert 'a' not in watched.models
    os.replace(watched.elsewhere / 'first', archive)
    until(lambda: 'a' in watched.models and watched.ask('a') == 2, LONG_S)
    assert watched.watcher.remarks() == []


def test_what_comes_is_there_before_what_goes_has_gone(watched):
    watched.put('v1', 1)
    watched.watch()
    watched.put('v2', 2, source=SLOW)
    os.remove(watched.path('v1'))
    until(lambda: 'v1' not in watched.models, LONG_S)
    assert 'v2' in watched.models


def test_a_file_that_changes_while_it_loads_is_loaded_again(watched):
    watched.watch()
    watched.put('a', 2, source=SLOW)
    until(lambda: watched.models.coming, LONG_S)
    watched.put('a', 5)
    until(lambda: 'a' in watched.models and watched.ask('a') == 5, LONG_S)


def test_a_load_that_never_ends_is_told_and_keeps_nothing_else_waiting(
        watched, monkeypatch, caplog):
    monkeypatch.setattr(watcher, '_LONG_LOAD_S', 1.5)
    watched.put('a', 2)
    watched.put('b', 3)
    watched.watch()
    watched.put('a', 5, source=SLOW.replace('1.5', '600'))
    until(lambda: watched.models.coming, LONG_S)
    os.remove(watched.path('b'))
    until(lambda: 'b' not in watched.models, LONG_S)
    told, = watched.watcher.remarks()
    assert told.startswith(f'{watched.path("a")} has been loading for ')
    assert watched.ask('a') == 2
    watched.put('a', 7)
    until(lambda: watched.ask('a') == 7, LONG_S)
    given_up, = errors(caplog)
    assert 'what it held is given up after loading for ' in given_up
    until(lambda: not watched.watcher.remarks(), LONG_S)
    assert watched.models.coming == []


def test_one_that_somebody_else_loads_meanwhile_is_told_as_one_that_was_there(watched, caplog):
    there = write_archive(watched.elsewhere, 'a', TIMES.format(7))
    load = watched.loader.load

    def later(name, location, *options):
        watched.loader.load = load
        load('a', Location.parse(there))
        return load(name, location, *options)

    watched.loader.load = later
    watched.put('b', 3)
    os.replace(watched.path('b'), watched.path('a'))
    watched.watch()
    told, = watched.watcher.remarks()
    assert told == f'{watched.path("a")} is not served: model a is served from {there}'
    assert errors(caplog) == [told]


def test_a_folder_that_is_swapped_by_its_link_is_followed(watched, tmp_path):
    """As a ConfigMap of Kubernetes and git-sync do it: the files are links through a link."""
    for number in (1, 2):
        (watched.folder / f'..rev{number}').mkdir()
        made = write_archive(watched.elsewhere, 'a', TIMES.format(number))
        os.replace(made, watched.folder / f'..rev{number}' / 'a.model')
    os.symlink('..rev1', watched.folder / '..data')
    os.symlink('..data/a.model', watched.path('a'))
    watched.watch()
    assert watched.ask('a') == 1
    os.symlink('..rev2', watched.folder / '..new')
    os.replace(watched.folder / '..new', watched.folder / '..data')
    shutil.rmtree(watched.folder / '..rev1')
    until(lambda: watched.ask('a') == 2, LONG_S)
    assert watched.models.names == ('a',)


def test_a_folder_that_vanishes_takes_no_model_with_it(watched, caplog):
    watched.put('a', 2)
    watched.watch()
    os.rename(watched.folder, watched.elsewhere / 'moved')
    until(watched.watcher.remarks, LONG_S)
    gevent.sleep(1.0)
    assert watched.ask('a') == 2
    assert watched.watcher.remarks() == [
        f'{watched.folder} cannot be read (No such file or directory)']
    assert len(errors(caplog)) == 1
    os.rename(watched.elsewhere / 'moved', watched.folder)
    until(lambda: not watched.watcher.remarks(), LONG_S)
    gevent.sleep(0.6)
    assert watched.ask('a') == 2


def test_an_empty_mount_point_takes_no_model_with_it(watched, monkeypatch):
    watched.put('a', 2)
    watched.watch()
    real = watcher.scan
    monkeypatch.setattr(watcher, 'scan', lambda *where: real(*where)._replace(device=-1, files={}))
    until(watched.watcher.remarks, LONG_S)
    gevent.sleep(0.6)
    assert watched.ask('a') == 2
    assert 'is not mounted' in watched.watcher.remarks()[0]
    # Mounted anew it may have another number, and the files other ones.
    monkeypatch.setattr(watcher, 'scan', lambda *where: real(*where)._replace(device=-2))
    until(lambda: not watched.watcher.remarks(), LONG_S)
    assert watched.ask('a') == 2


def test_a_name_that_no_url_can_have_is_told(watched):
    watched.put('a', 2)
    os.rename(watched.path('a'), watched.folder / 'a\tb.model')
    watched.watch()
    assert watched.watcher.remarks() == [
        f'{watched.folder}/a\tb.model is not served: its name cannot be a segment of a URL']


def test_of_many_files_that_are_none_some_are_told(watched):
    for number in range(30):
        (watched.folder / f'{number:02}\t.model').write_text('')
        # Nobody writes them any more.
        os.utime(watched.folder / f'{number:02}\t.model', (0, 0))
    watched.watch()
    until(lambda: len(watched.watcher.remarks()) == 21, LONG_S)
    assert watched.watcher.remarks()[-1] == 'and 10 more: see the log'

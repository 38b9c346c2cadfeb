import json
import os
import stat
from dataclasses import replace

import pytest
from harness import load_message

from mms.ipc.findings import Findings, Fusion
from mms.runtime.resources import Resources
from mms.serving.findings_store import FindingsStore, cache_folder

FOUND = Findings((1, 2), 8, (Fusion(1, 'net', 'a form'),))
MACHINE = Resources(2, 2**30, 2)


@pytest.fixture
def load(tmp_path):
    return load_message(tmp_path, 'm')


@pytest.fixture
def folder(tmp_path):
    return tmp_path / 'cache' / 'mxnet-model-server'


@pytest.fixture
def entry(folder):
    """The entry of a model on a machine."""
    def of(load, resources=MACHINE, environment=()):
        return FindingsStore(str(folder), resources, dict(environment)).entry(load)
    return of


@pytest.fixture
def kept(entry, load, folder):
    """The file of an entry that is kept."""
    entry(load).write(FOUND)
    [path] = folder.iterdir()
    return path


def test_what_was_measured_is_there_at_the_next_start(entry, load):
    assert entry(load).read() is None
    entry(load).write(FOUND)
    assert entry(load).read() == FOUND
    entry(load).write(Findings((1,), 1))
    assert entry(load).read() == Findings((1,), 1)


def test_nobody_else_may_read_or_write_it(kept, folder):
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_it_is_of_the_files_the_machine_the_options_and_the_environment(entry, load):
    entry(load).write(FOUND)
    assert entry(replace(load, endpoint='other', fused=FOUND.fused)).read() == FOUND
    assert entry(load, environment={'PATH': '/bin'}).read() == FOUND
    for other in (entry(replace(load, batch_size=4)), entry(replace(load, optimize=False)),
                  entry(replace(load, threads=[1, 2])), entry(load, Resources(4, 2**30, 4)),
                  entry(load, environment={'MXNET_X': '1'})):
        assert other.read() is None
    with open(load.service_file, 'a', encoding='utf-8') as file:
        file.write('\n')
    assert entry(load).read() is None


def test_a_file_of_the_users_own_in_the_place_of_the_service_counts(entry, load, tmp_path):
    own = tmp_path / 'own.py'
    own.write_text('1')
    load = replace(load, service_file=str(own))
    entry(load).write(FOUND)
    assert entry(load).read() == FOUND
    own.write_text('2')
    assert entry(load).read() is None


@pytest.mark.parametrize('text', [
    '', 'x', '[]', '7', '{}', '[' * 100_000, 'x' * 100_000, '{"findings": [[1], 8, []]}'],
    ids=lambda text: text[:20])
def test_what_is_no_entry_is_as_good_as_none(kept, entry, load, text):
    kept.write_text(text)
    assert entry(load).read() is None


def test_numbers_that_are_none_are_not_taken(kept, entry, load):
    held = json.loads(kept.read_text())
    kept.write_text(json.dumps({**held, 'findings': [[10**9], 8, []]}))
    assert entry(load).read() is None


def test_what_others_may_have_written_is_not_taken(kept, folder, entry, load, tmp_path):
    kept.chmod(0o622)
    assert entry(load).read() is None
    kept.chmod(0o600)
    assert entry(load).read() == FOUND
    folder.chmod(0o777)
    assert entry(load).read() is None
    entry(load).write(Findings((1,), 1))
    folder.chmod(0o700)
    assert entry(load).read() == FOUND
    elsewhere = tmp_path / 'elsewhere'
    kept.rename(elsewhere)
    kept.symlink_to(elsewhere)
    assert entry(load).read() is None


@pytest.mark.skipif(os.geteuid() != 0, reason='only root gives files away')
def test_what_is_of_another_user_is_not_taken(kept, entry, load):
    os.chown(kept, 12345, -1)
    assert entry(load).read() is None


def test_a_pipe_in_its_place_holds_nobody_up(kept, entry, load):
    kept.unlink()
    os.mkfifo(kept, 0o600)
    assert entry(load).read() is None


@pytest.mark.parametrize('place', ['file', 'nothing'])
def test_where_nothing_can_be_kept_nothing_happens(entry, load, folder, place):
    folder.parent.mkdir()
    if place == 'file':
        folder.write_text('')
    else:
        folder.symlink_to('nowhere')
    entry(load).write(FOUND)
    assert entry(load).read() is None


def test_those_that_were_used_last_stay(entry, load, kept, folder):
    for number in range(300):
        (folder / f'{number:064x}.json').write_text('')
        os.utime(folder / f'{number:064x}.json', (number, number))
    (folder / 'a file of somebody').write_text('')
    os.utime(kept, (1, 1))
    assert entry(load).read() == FOUND
    entry(replace(load, batch_size=2)).write(FOUND)
    left = sorted(folder.iterdir())
    assert len(left) == 257
    assert kept in left
    assert folder / 'a file of somebody' in left
    assert folder / f'{299:064x}.json' in left
    assert folder / f'{0:064x}.json' not in left


def test_files_that_cannot_be_read_have_no_entry(entry, load):
    os.unlink(load.service_file)
    assert entry(replace(load, service_file='/nowhere.py')) is None


@pytest.mark.parametrize(('environment', 'expected'), [
    ({'XDG_CACHE_HOME': '/c'}, '/c/mxnet-model-server'),
    ({'XDG_CACHE_HOME': 'c'}, '/home/a/.cache/mxnet-model-server'),
    ({}, '/home/a/.cache/mxnet-model-server')])
def test_it_lies_in_the_cache_folder_of_the_user(environment, expected, monkeypatch):
    monkeypatch.setenv('HOME', '/home/a')
    assert cache_folder(environment) == expected


def test_a_user_without_a_home_has_none_and_nothing_is_written_where_the_server_runs(monkeypatch):
    def unknown(uid):
        raise KeyError(uid)

    monkeypatch.delenv('HOME', raising=False)
    monkeypatch.setattr('pwd.getpwuid', unknown)
    assert cache_folder({}) is None
    assert cache_folder({'XDG_CACHE_HOME': '/c'}) == '/c/mxnet-model-server'

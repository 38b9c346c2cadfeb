"""Folders that are swept while a server lives."""

import fcntl
import os
import shutil
import stat
import subprocess
import sys
import threading
import time

import gevent
import harness
import pytest
from fleet import until

from mms.archive.reader import LoadedModel
from mms.errors import ServiceError
from mms.runtime import restorable_folder
from mms.runtime.workspace import Workspace, workspace_of
from mms.serving import extracted_files as files
from mms.serving.extracted_files import ExtractedFiles

LOCKED = '''
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
try:
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print('locked')
'''


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path / 'tmp'))
    (tmp_path / 'tmp').mkdir()
    made = Workspace()
    yield made
    made.close()
    assert os.listdir(tmp_path / 'tmp') == []


@pytest.fixture
def folder(workspace):
    """A model's folder in it, with two files."""
    path = os.path.join(workspace.path, 'm-1', 'model')
    os.makedirs(path)
    for name, text in (('service.py', 'one'), ('weights', 'x' * 3_000_000)):
        with open(os.path.join(path, name), 'w') as file:
            file.write(text)
    return path


def opened(folder):
    model = {'Service': 'weights', 'Signature': 'service.py'}
    return LoadedModel('m', 'm', folder, {'Model': model})


def texts(folder):
    return {name: open(os.path.join(folder, name)).read() for name in sorted(os.listdir(folder))}


def test_a_workspace_is_locked_as_systemd_tmpfiles_heeds_it(workspace):
    done = subprocess.run([sys.executable, '-c', LOCKED, workspace.path], capture_output=True,
                          text=True, check=True)
    assert done.stdout == 'locked\n'


@pytest.mark.parametrize('gone', ['service.py', 'weights', '', '..', '../..', '../../..'])
def test_what_was_removed_is_put_back_as_it_was(workspace, folder, gone, caplog):
    kept = workspace.keep(folder)
    before = texts(folder)
    for _ in range(2):
        path = os.path.normpath(os.path.join(folder, gone))
        os.unlink(path) if os.path.isfile(path) else shutil.rmtree(path)
        kept.put_back()
        assert texts(folder) == before
    assert stat.S_IMODE(os.stat(workspace.path).st_mode) == 0o700
    assert caplog.text.count('they are put back. Better set TMPDIR to a folder') == 2
    kept.put_back()
    assert caplog.text.count('they are put back') == 2


def test_a_folder_that_was_made_anew_is_locked_too(workspace, folder):
    kept = workspace.keep(folder)
    shutil.rmtree(workspace.path)
    kept.put_back()
    fd = os.open(workspace.path, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(fd)


@pytest.mark.parametrize('as_link', [True, False])
def test_what_others_put_in_its_place_is_not_trusted(workspace, folder, tmp_path, as_link):
    kept = workspace.keep(folder)
    aside = tmp_path / 'aside'
    os.rename(workspace.path, aside)
    shutil.copytree(aside, tmp_path / 'evil')
    os.symlink(tmp_path / 'evil', workspace.path) if as_link else os.mkdir(workspace.path)
    with pytest.raises(ServiceError, match='there is another one in its place; set TMPDIR'):
        kept.put_back()
    os.unlink(workspace.path) if as_link else os.rmdir(workspace.path)


def test_a_file_that_is_not_held_open_is_named(workspace, folder, monkeypatch):
    monkeypatch.setattr(restorable_folder, '_MOST_FILES', 1)
    kept = workspace.keep(folder)
    os.unlink(os.path.join(folder, 'service.py'))
    kept.put_back()
    os.unlink(os.path.join(folder, 'weights'))
    with pytest.raises(ServiceError, match='its file weights was removed from '):
        kept.put_back()


def test_the_files_that_the_manifest_names_are_held_first(workspace, folder, monkeypatch):
    monkeypatch.setattr(restorable_folder, '_MOST_FILES', 2)
    open(os.path.join(folder, 'another'), 'w').close()
    check = ExtractedFiles().keep(opened(folder))
    for name in ('service.py', 'weights'):
        os.unlink(os.path.join(folder, name))
    check()
    assert sorted(texts(folder)) == ['another', 'service.py', 'weights']


def test_the_event_loop_goes_on_while_a_slow_disk_opens_the_files(workspace, folder, monkeypatch):
    turns = []
    monkeypatch.setattr(workspace, 'keep', lambda *_: harness.until(lambda: turns, 10) and kept)
    kept = restorable_folder.RestorableFolder(folder, lambda: None)
    gevent.spawn_later(0.05, turns.append, 'another')
    check = ExtractedFiles().keep(opened(folder))
    assert turns == ['another']
    check()
    kept.close()


def test_nothing_is_put_back_when_the_server_has_ended(tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    workspace = Workspace()
    folder = os.path.join(workspace.path, 'model')
    os.mkdir(folder)
    open(os.path.join(folder, 'service.py'), 'w').close()
    kept = workspace.keep(folder)
    workspace.close()
    kept.put_back()
    assert os.listdir(tmp_path) == []


def test_the_end_waits_for_no_copy(workspace, folder, monkeypatch):
    kept = workspace.keep(folder)
    os.unlink(os.path.join(folder, 'weights'))
    read, copying = os.pread, threading.Event()

    def pread(*args):
        copying.set()
        time.sleep(0.2)
        return read(*args)[:1000]

    monkeypatch.setattr(restorable_folder.os, 'pread', pread)
    copy = threading.Thread(target=kept.put_back)
    copy.start()
    assert copying.wait(30)
    began = time.monotonic()
    kept.close()
    assert time.monotonic() - began < 10
    copy.join()
    assert os.listdir(folder) == ['service.py']


def test_what_the_service_has_changed_stays_as_it_is(workspace, folder):
    kept = workspace.keep(folder)
    with open(os.path.join(folder, 'service.py'), 'w') as file:
        file.write('two')
    open(os.path.join(folder, 'cache'), 'w').close()
    kept.put_back()
    assert sorted(texts(folder)) == ['cache', 'service.py', 'weights']
    assert texts(folder)['service.py'] == 'two'


def test_a_touch_makes_files_young(workspace, folder):
    path = os.path.join(folder, 'weights')
    os.utime(path, (0, 0))
    kept = workspace.keep(folder)
    os.unlink(os.path.join(folder, 'service.py'))
    kept.touch()
    assert min(os.stat(path).st_atime, os.stat(path).st_mtime) > 1e9


def test_a_folder_of_the_users_is_left_alone(tmp_path, workspace):
    assert workspace_of(str(tmp_path)) is None
    assert workspace_of(workspace.path + '-other/model') is None
    mine = tmp_path / 'mine'
    mine.mkdir()
    (mine / 'service.py').touch()
    check = ExtractedFiles().keep(opened(str(mine)))
    (mine / 'service.py').unlink()
    check()
    assert os.listdir(mine) == []


def test_descriptors_are_let_go_with_the_workspace(tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    before = os.listdir('/proc/self/fd')
    workspace = Workspace()
    folder = os.path.join(workspace.path, 'model')
    os.mkdir(folder)
    open(os.path.join(folder, 'service.py'), 'w').close()
    workspace.keep(folder)
    workspace.close()
    assert len(os.listdir('/proc/self/fd')) == len(before)
    assert workspace_of(folder) is None


def test_files_are_looked_after_while_nobody_loads_them(workspace, folder, monkeypatch, caplog):
    monkeypatch.setattr(files, '_LOOK_S', 0.05)
    monkeypatch.setattr(files, '_TOUCH_S', 0.1)
    looked_after = ExtractedFiles()
    looked_after.keep(opened(folder))
    looked_after.watch()
    path = os.path.join(folder, 'service.py')
    os.unlink(path)
    until(lambda: os.path.exists(path))
    os.utime(path, (0, 0))
    until(lambda: os.stat(path).st_mtime > 0)
    monkeypatch.setattr(restorable_folder.os, 'pread', _full)
    os.unlink(path)
    until(lambda: 'Model m is served by the processes that have loaded it' in caplog.text)
    gevent.sleep(0.3)
    assert caplog.text.count('no new one can: files of it were removed from') == 1
    assert 'cannot be put back: No space left on device; set TMPDIR' in caplog.text
    looked_after.stop()


def _full(*_):
    raise OSError(28, 'No space left on device')

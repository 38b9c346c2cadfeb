"""Who has read files that change is told."""

import logging
import os
import threading

import pytest
from harness import until

from mms.runtime.file_changes import FileChanges

SOON_S = 0.01
NEVER_S = 3600


@pytest.fixture
def watch():
    """Watch files; it ends with the test."""
    started = []

    def watch(*paths, on_change, look_s=SOON_S):
        started.append(FileChanges(list(map(str, paths)), on_change, look_s))
        return started[-1]

    yield watch
    for one in started:
        one.stop()


@pytest.fixture
def told(watch, tmp_path):
    """A file that is there, and what its reader found each time that it was told."""
    path, calls = tmp_path / 'file', []
    path.write_text('first')
    watch(path, tmp_path / 'other', on_change=lambda: calls.append(path.exists()))
    return path, calls


def put(path, text):
    """Exchange a file as operators do: whole, at once."""
    new = path.with_name('new')
    new.write_text(text)
    os.replace(new, path)


def test_a_change_is_told_once(told):
    path, calls = told
    put(path, 'again')
    until(lambda: calls)
    put(path.with_name('other'), 'the second of the two')
    until(lambda: len(calls) == 2)
    assert calls == [True, True]


def test_a_file_that_goes_is_a_change(told):
    path, calls = told
    path.unlink()
    until(lambda: calls == [False])


def test_a_link_that_leads_elsewhere_is_a_change(watch, tmp_path):
    calls = []
    for name in ('one', 'two'):
        (tmp_path / name).write_text(name)
    (tmp_path / 'link').symlink_to('one')
    watch(tmp_path / 'link', on_change=lambda: calls.append(1))
    (tmp_path / 'newer').symlink_to('two')
    os.replace(tmp_path / 'newer', tmp_path / 'link')
    until(lambda: calls)


@pytest.mark.parametrize('change', [
    lambda path, before: path.chmod(0o600),
    lambda path, before: (path.write_text('other'), os.utime(path, ns=before))],
    ids=['readable since', 'as old and as long'])
def test_a_change_that_leaves_size_and_time_as_they_were_is_one(watch, tmp_path, change):
    path, calls = tmp_path / 'file', []
    path.write_text('first')
    path.chmod(0o400)
    found = path.stat()
    changes = watch(path, on_change=lambda: calls.append(1), look_s=NEVER_S)
    change(path, (found.st_atime_ns, found.st_mtime_ns))
    until(lambda: changes.look() or calls)


def test_a_file_that_goes_on_changing_is_read_when_it_rests(watch, tmp_path):
    path, calls = tmp_path / 'file', []
    changes = watch(path, on_change=lambda: calls.append(path.read_text()), look_s=NEVER_S)
    for text in ('h', 'ha', 'hal'):
        path.write_text(text)
        changes.look()
    assert calls == []
    path.write_text('whole')
    for _ in range(3):
        changes.look()
    assert calls == ['whole']


def test_a_pipe_changes_nothing(watch, tmp_path):
    path, calls = tmp_path / 'pipe', []
    os.mkfifo(path)
    changes = watch(path, on_change=lambda: calls.append(1), look_s=NEVER_S)
    os.utime(path, (1, 1))
    changes.look()
    changes.look()
    assert calls == []


def test_a_reader_that_fails_is_told_again(watch, tmp_path, caplog):
    calls, path = [], tmp_path / 'file'

    def fail():
        calls.append(1)
        raise ZeroDivisionError

    watch(path, on_change=fail)
    with caplog.at_level(logging.ERROR):
        put(path, 'a')
        until(lambda: len(calls) == 1)
        put(path, 'b')
        until(lambda: len(calls) == 2)
    assert f'failed over files that have changed: {path}' in caplog.text


def test_no_thread_is_left_at_the_end(watch, tmp_path):
    changes = watch(tmp_path / 'file', on_change=lambda: None)
    assert any(thread.name == 'mms-files' for thread in threading.enumerate())
    changes.stop()
    changes.stop()
    assert not any(thread.name == 'mms-files' for thread in threading.enumerate())

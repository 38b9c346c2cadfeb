"""Which files of a folder are to be served, and which have gone: by what was seen, and when."""

import os

import pytest

from mms.serving.watched_files import (
    BROKEN_S,
    GONE_S,
    SETTLED_S,
    Fingerprint,
    WatchedFiles,
    fingerprint_of,
    scan,
)

FIRST, SECOND = Fingerprint(1, 10, 0), Fingerprint(1, 20, 0)
# What files say of themselves is of no use in most of these tests.
NO_AGE = 0.0


@pytest.fixture
def files():
    return WatchedFiles()


def test_a_file_is_due_when_it_has_not_changed_for_a_while(files):
    files.see({'a': FIRST}, 0.0)
    assert files.due(0.0, NO_AGE) == []
    files.see({'a': SECOND}, SETTLED_S)
    assert files.due(SETTLED_S, NO_AGE) == []
    files.see({'a': SECOND}, 2 * SETTLED_S)
    assert files.due(2 * SETTLED_S, NO_AGE) == ['a']


def test_one_that_was_written_before_is_due_at_once(files):
    files.see({'a': Fingerprint(1, 1, int(1000e9))}, 0.0)
    assert files.due(0.0, 1000 + SETTLED_S - 0.1) == []
    assert files.due(0.0, 1000 + SETTLED_S) == ['a']
    # A clock that is behind that of the file's server says nothing.
    assert files.due(0.0, 500.0) == []


def test_one_that_was_handled_is_due_again_when_it_changes(files):
    files.see({'a': FIRST}, 0.0)
    files.handle('a', FIRST)
    assert files.due(100.0, NO_AGE) == []
    files.see({'a': SECOND}, 100.0)
    assert files.pending() == ['a']
    assert files.due(100.0 + SETTLED_S, NO_AGE) == ['a']


def test_one_that_changed_while_it_was_handled_is_due_again(files):
    files.see({'a': FIRST}, 0.0)
    files.see({'a': SECOND}, 1.0)
    files.handle('a', FIRST)
    assert files.due(1.0 + SETTLED_S, NO_AGE) == ['a']


def test_one_that_stays_away_has_gone_and_one_that_comes_back_has_not(files):
    files.see({'a': FIRST, 'b': FIRST}, 0.0)
    for name in ('a', 'b'):
        files.handle(name, FIRST)
    files.see({}, 1.0)
    assert files.gone(1.0) == []
    files.see({'b': FIRST}, 2.0)
    assert files.gone(1.0 + GONE_S) == ['a']
    assert files.due(100.0, NO_AGE) == []
    files.forget('a')
    files.see({'a': FIRST, 'b': FIRST}, 50.0)
    assert files.due(100.0, NO_AGE) == ['a']


def test_one_of_which_nothing_can_be_told_stays_as_it_was(files):
    files.see({'a': FIRST}, 0.0)
    files.see({'a': None}, 100.0)
    assert files.gone(1000.0) == []
    files.see({}, 1000.0)
    files.see({'a': None}, 1001.0)
    assert files.gone(2000.0) == []
    files.see({'b': None}, 2000.0)
    assert 'b' not in files


def test_one_that_nobody_writes_any_more_is_stuck(files):
    files.see({'a': FIRST}, 0.0)
    assert not files.is_stuck('a', BROKEN_S - 1, NO_AGE)
    assert files.is_stuck('a', BROKEN_S, NO_AGE)
    files.see({'a': SECOND}, BROKEN_S)
    assert not files.is_stuck('a', BROKEN_S, NO_AGE)


def test_a_scan_finds_archives_alone(tmp_path):
    (tmp_path / 'a.model').write_bytes(b'12')
    (tmp_path / 'target').write_bytes(b'123')
    os.symlink('target', tmp_path / 'b.model')
    os.symlink('nowhere', tmp_path / 'dangling.model')
    (tmp_path / '.hidden.model').write_bytes(b'')
    (tmp_path / 'a.model.part').write_bytes(b'')
    (tmp_path / 'folder.model').mkdir()
    found = scan(str(tmp_path))
    assert {name: one.size for name, one in found.files.items()} == {'a.model': 2, 'b.model': 3}
    assert found.device == os.stat(tmp_path).st_dev


def test_a_fingerprint_changes_with_its_file(tmp_path):
    path = tmp_path / 'a.model'
    path.write_bytes(b'12')
    first = fingerprint_of(path)
    assert fingerprint_of(path) == first
    (tmp_path / 'new').write_bytes(b'12')
    os.replace(tmp_path / 'new', path)
    assert fingerprint_of(path) != first
    assert fingerprint_of(tmp_path / 'none') is None

"""Archives that are opened, at the start of a server and later."""

import os
import socket
import threading
from contextlib import ExitStack

import gevent
import pytest
from fleet import shells
from harness import write_archive

from mms.archive.location import Location
from mms.bootstrap.opening import Opener
from mms.errors import StartupError
from mms.event_loop.in_thread import in_thread

pytestmark = pytest.mark.usefixtures('no_shell_stays')


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / 'temporary'
    folder.mkdir()
    monkeypatch.setattr('tempfile.tempdir', str(folder))
    return folder


@pytest.fixture
def undo(temporary):
    with ExitStack() as undo:
        yield undo


@pytest.fixture
def archive(tmp_path):
    return Location.parse(write_archive(tmp_path, 'a'))


@pytest.fixture
def silent():
    """A location whose server says nothing."""
    with socket.create_server(('127.0.0.1', 0)) as server:
        yield Location.parse(f'http://127.0.0.1:{server.getsockname()[1]}/a.model')


def test_what_is_opened_later_lies_beside_what_was_opened_first(undo, temporary, archive):
    before, opener = len(shells()), Opener(undo)
    opened = [opener.open({name: archive})[0] for name in ('a', 'b', 'b')]
    folder, = temporary.iterdir()
    assert len(list(folder.iterdir())) == 3
    assert len(shells()) == before + 1
    for one in opened:
        assert os.path.isfile(os.path.join(one.loaded.model_dir, 'service.py'))
        one.discard()
    assert list(folder.iterdir()) == []


def test_another_thread_opens_some_more(undo, archive):
    opener, opened = Opener(undo), []
    opener.open({'a': archive})

    def open_another():
        opened.append(opener.open_one('b', archive).name)
        gevent.get_hub().destroy()

    thread = threading.Thread(target=open_another)
    thread.start()
    thread.join()
    assert opened == ['b']
    assert opener.open_one('c', archive).name == 'c'


def test_several_are_opened_side_by_side_in_the_order_given(undo, archive):
    opened = Opener(undo).open({'b': archive, 'a': archive})
    assert [(one.name, one.location) for one in opened] == [
        ('b', str(archive)), ('a', str(archive))]


def test_one_that_cannot_be_used_leaves_nothing_and_costs_the_others_nothing(
        undo, temporary, archive):
    before, opener = len(shells()), Opener(undo)
    kept, = opener.open({'a': archive})
    for _ in range(2):
        with pytest.raises(StartupError, match='^model b cannot be served: '):
            opener.open({'b': Location.parse('none.model')})
    folder, = temporary.iterdir()
    assert len(list(folder.iterdir())) == 1
    assert os.path.isfile(os.path.join(kept.loaded.model_dir, 'service.py'))
    assert len(shells()) == before + 1


def test_all_is_gone_at_the_end(temporary, archive):
    before = len(shells())
    with ExitStack() as undo:
        Opener(undo).open({'a': archive})
        assert list(temporary.iterdir())
    assert list(temporary.iterdir()) == []
    assert len(shells()) == before


def test_all_is_gone_at_the_end_while_another_is_still_on_its_way(temporary, silent):
    with ExitStack() as undo, pytest.raises(StartupError, match='^model b cannot be served: '):
        Opener(undo).open({'a': silent, 'b': Location.parse('none.model')})
    assert list(temporary.iterdir()) == []


def test_without_an_archive_no_folder_is_made(temporary):
    with ExitStack() as undo:
        Opener(undo)
        assert list(temporary.iterdir()) == []


def test_downloads_that_hang_hold_up_nothing_else(undo, silent):
    opener = Opener(undo)
    for number in range(12):
        # Who has asked for it asks no more, and it hangs all the same.
        opening = gevent.spawn(opener.open_one, f'm{number}', silent)
        gevent.sleep(0)
        opening.kill()
    with gevent.Timeout(10):
        assert in_thread(lambda: 'done') == 'done'

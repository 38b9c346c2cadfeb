import errno
import os
import shutil
import socket
import stat
import threading
import zipfile

import pytest

from mms.archive.writer import add_member, collect, write_archive
from mms.errors import ExportError

pytestmark = pytest.mark.core


@pytest.fixture
def refusing_links(monkeypatch):
    """A file system without hard links, such as FAT."""

    def link(*args, **kwargs):
        raise PermissionError(errno.EPERM, 'Operation not permitted')

    monkeypatch.setattr(os, 'link', link)


def test_sub_folders_are_collected_and_flattened(make_folder):
    folder = make_folder({'a.txt': '1', 'sub/b.txt': '2', 'sub/deep/c.txt': '3'})
    assert collect(folder) == {
        'a.txt': f'{folder}/a.txt', 'b.txt': f'{folder}/sub/b.txt',
        'c.txt': f'{folder}/sub/deep/c.txt'}


def test_hidden_files_are_collected(make_folder):
    assert set(collect(make_folder({'.hidden': '1'}))) == {'.hidden'}


def test_byte_code_and_an_old_manifest_stay_out(make_folder):
    folder = make_folder({'a.py': '', '__pycache__/a.pyc': '', 'sub/__pycache__/b.pyc': '',
                          'MANIFEST.json': '{}'})
    assert set(collect(folder)) == {'a.py'}


def test_two_files_of_one_name_are_both_named(make_folder):
    folder = make_folder({'a.txt': '1', 'sub/a.txt': '1'})
    with pytest.raises(ExportError) as caught:
        collect(folder)
    assert f'{folder}/a.txt and {folder}/sub/a.txt' in str(caught.value)


def test_a_link_to_a_file_is_followed(make_folder, tmp_path):
    folder = make_folder({'a.txt': '1'})
    (tmp_path / 'blob').write_text('weights')
    os.symlink(tmp_path / 'blob', f'{folder}/net.params')
    write_archive(collect(folder), str(tmp_path / 'x.model'))
    with zipfile.ZipFile(tmp_path / 'x.model') as archive:
        assert archive.read('net.params') == b'weights'
        assert stat.S_ISREG(archive.getinfo('net.params').external_attr >> 16)


def test_a_link_to_a_folder_stays_out_and_is_told(make_folder, tmp_path, caplog):
    folder = make_folder({'a.txt': '1'})
    os.symlink(folder, f'{folder}/loop')
    assert set(collect(folder)) == {'a.txt'}
    assert f'{folder}/loop is a link to a folder' in caplog.text


def test_a_broken_link_is_refused(make_folder):
    folder = make_folder({'a.txt': '1'})
    os.symlink('nowhere', f'{folder}/net.params')
    with pytest.raises(ExportError, match=r'net\.params is a link to a file that does not exist'):
        collect(folder)


def test_a_fifo_is_refused(make_folder):
    folder = make_folder({'a.txt': '1'})
    os.mkfifo(f'{folder}/pipe')
    with pytest.raises(ExportError, match='pipe is neither a file nor a folder'):
        collect(folder)


def test_a_socket_is_refused(make_folder, monkeypatch):
    folder = make_folder({'a.txt': '1'})
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind('sock')
        with pytest.raises(ExportError, match='sock is neither a file nor a folder'):
            collect(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ExportError, match=r'none cannot be read: No such file'):
        collect(str(tmp_path / 'none'))


@pytest.mark.parametrize('name', ['a\\b.txt', 'c:b.txt'])
def test_a_name_that_would_not_come_back_is_refused(make_folder, name):
    with pytest.raises(ExportError, match='backslash or a drive letter'):
        collect(make_folder({name: '1'}))


def test_what_is_written_can_be_read(tmp_path, make_folder):
    members = collect(make_folder({'b.bin': bytes(3 * 1024**2 + 1), 'ä.txt': 'Grüße'}))
    add_member(members, 'made.json', b'{}')
    write_archive(members, str(tmp_path / 'x.model'))
    with zipfile.ZipFile(tmp_path / 'x.model') as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ['b.bin', 'made.json', 'ä.txt']
        assert archive.read('ä.txt').decode() == 'Grüße'
        assert archive.read('made.json') == b'{}'


def test_same_contents_give_same_bytes(tmp_path, make_folder):
    names = {'b.txt': 'two', 'a.txt': 'one', 'sub/c.txt': 'three'}
    first = make_folder(names, 'first')
    second = make_folder(dict(reversed(names.items())), 'second')
    os.utime(f'{second}/a.txt', (0, 0))
    os.chmod(f'{second}/b.txt', 0o600)
    write_archive(collect(first), str(tmp_path / '1.model'))
    write_archive(collect(second), str(tmp_path / '2.model'))
    assert (tmp_path / '1.model').read_bytes() == (tmp_path / '2.model').read_bytes()


def test_the_archive_has_the_mode_of_any_new_file(tmp_path):
    (tmp_path / 'plain').touch()
    write_archive({'a': b'1'}, str(tmp_path / 'x.model'))
    assert (tmp_path / 'x.model').stat().st_mode == (tmp_path / 'plain').stat().st_mode


def test_an_existing_file_stays_untouched(tmp_path):
    (tmp_path / 'x.model').write_text('mine')
    with pytest.raises(ExportError, match=r'x\.model already exists\.'):
        write_archive({'a': b'1'}, str(tmp_path / 'x.model'))
    assert (tmp_path / 'x.model').read_text() == 'mine'
    assert os.listdir(tmp_path) == ['x.model']


@pytest.mark.usefixtures('refusing_links')
def test_without_hard_links_an_existing_file_stays_untouched(tmp_path):
    (tmp_path / 'x.model').write_text('mine')
    with pytest.raises(ExportError, match=r'x\.model already exists\.'):
        write_archive({'a': b'1'}, str(tmp_path / 'x.model'))
    assert (tmp_path / 'x.model').read_text() == 'mine'
    assert os.listdir(tmp_path) == ['x.model']


@pytest.mark.usefixtures('refusing_links')
def test_without_hard_links_the_archive_is_written(tmp_path):
    write_archive({'a': b'1'}, str(tmp_path / 'x.model'))
    assert zipfile.ZipFile(tmp_path / 'x.model').read('a') == b'1'
    assert os.listdir(tmp_path) == ['x.model']


@pytest.mark.usefixtures('refusing_links')
def test_without_hard_links_nothing_has_the_name_while_the_archive_is_copied(tmp_path,
                                                                             monkeypatch):
    seen, copy = [], shutil.copyfileobj

    def copied(source, target):
        seen.extend(os.listdir(tmp_path))
        copy(source, target)

    monkeypatch.setattr(shutil, 'copyfileobj', copied)
    write_archive({'a': b'1'}, str(tmp_path / 'x.model'))
    assert len(seen) == 1
    assert seen[0].startswith('.x.model.')


def test_of_many_writers_of_one_archive_one_wins(tmp_path):
    path, outcomes = str(tmp_path / 'x.model'), []
    start = threading.Barrier(8)

    def write(number):
        start.wait()
        try:
            write_archive({'who': str(number).encode()}, path)
            outcomes.append(number)
        except ExportError:
            outcomes.append(None)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [number for number in outcomes if number is not None]
    assert zipfile.ZipFile(path).read('who') == str(winner).encode()
    assert os.listdir(tmp_path) == ['x.model']


def test_a_file_that_vanishes_leaves_nothing_behind(tmp_path, make_folder):
    folder = make_folder({'a.txt': '1', 'b.txt': '2'})
    members = collect(folder)
    os.unlink(f'{folder}/b.txt')
    out = tmp_path / 'out'
    out.mkdir()
    with pytest.raises(ExportError, match=r'b\.txt: the archive cannot be made: No such file'):
        write_archive(members, str(out / 'x.model'))
    assert os.listdir(out) == []


def test_a_folder_that_is_not_there_cannot_take_the_archive(tmp_path):
    with pytest.raises(ExportError, match=r'x\.model: the archive cannot be made: No such file'):
        write_archive({'a': b'1'}, str(tmp_path / 'none' / 'x.model'))


@pytest.fixture(params=['without a name', 'under a hidden name'])
def unpublished(request, monkeypatch):
    """How a file is kept that is not whole yet."""
    if request.param == 'under a hidden name':
        monkeypatch.setattr(os, 'O_TMPFILE', os.O_DIRECTORY)
    return request.param


def test_an_interrupt_leaves_nothing_behind(tmp_path, make_folder, monkeypatch, unpublished):
    members = collect(make_folder({'a.bin': bytes(100)}))
    out = tmp_path / 'out'
    out.mkdir()
    seen = []

    def interrupted(self, data):
        seen.extend(os.listdir(out))
        raise KeyboardInterrupt

    monkeypatch.setattr(zipfile._ZipWriteFile, 'write', interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_archive(members, str(out / 'x.model'))
    assert len(seen) == (unpublished == 'under a hidden name')
    assert all(name.startswith('.x.model.') for name in seen)
    assert os.listdir(out) == []


def test_an_archive_is_the_same_however_it_was_kept(tmp_path, unpublished):
    write_archive({'a': b'1'}, str(tmp_path / 'x.model'))
    assert os.listdir(tmp_path) == ['x.model']
    assert zipfile.ZipFile(tmp_path / 'x.model').read('a') == b'1'
    assert os.stat(tmp_path / 'x.model').st_mode & 0o777 == 0o666 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='needs /dev/full')
def test_a_full_disk_is_told(tmp_path, monkeypatch):
    real = os.open

    def to_full_disk(path, flags, *args, **kwargs):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            return real('/dev/full', os.O_RDWR)
        return real(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, 'open', to_full_disk)
    with pytest.raises(ExportError, match='No space left on device'):
        write_archive({'a': bytes(10**6)}, str(tmp_path / 'x.model'))
    assert os.listdir(tmp_path) == []


def test_a_large_member_is_written_with_zip64(tmp_path, monkeypatch):
    monkeypatch.setattr(zipfile, 'ZIP64_LIMIT', 1000)
    write_archive({'a-small': b'1', 'big': bytes(2000)}, str(tmp_path / 'x.model'))
    with zipfile.ZipFile(tmp_path / 'x.model') as archive:
        assert archive.testzip() is None
        assert archive.getinfo('big').extract_version == zipfile.ZIP64_VERSION
        assert archive.getinfo('a-small').extract_version < zipfile.ZIP64_VERSION

"""Where the token of a management port is left."""

import os
import stat

import pytest

from mms.errors import StartupError
from mms.runtime.token_file import remove_token, token_path, write_token


@pytest.fixture(autouse=True)
def private(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_RUNTIME_DIR', str(tmp_path))
    return tmp_path / f'mms-{os.getuid()}'


def test_it_is_for_its_user_alone_and_found_by_the_port(private):
    path = write_token(8081, 'secret')
    assert path == token_path(8081) == str(private / 'management-8081.token')
    with open(path) as file:
        assert file.read() == 'secret\n'
    assert [stat.S_IMODE(os.stat(one).st_mode) for one in (path, private)] == [0o600, 0o700]
    remove_token(path, 'secret')
    remove_token(path, 'secret')
    assert list(private.iterdir()) == []


def test_that_of_a_server_which_has_taken_over_the_port_stays():
    write_token(8081, 'old')
    path = write_token(8081, 'new')
    remove_token(path, 'old')
    with open(path) as file:
        assert file.read() == 'new\n'


def test_that_of_a_server_that_was_killed_is_written_anew(private, tmp_path):
    write_token(1, 'old')
    (private / 'management-2.token').symlink_to(tmp_path / 'elsewhere')
    for port in (1, 2):
        with open(write_token(port, 'new')) as file:
            assert file.read() == 'new\n'
    assert not (tmp_path / 'elsewhere').exists()


@pytest.mark.parametrize('spoil', [
    lambda folder: folder.mkdir(mode=0o777) or folder.chmod(0o777),
    lambda folder: folder.symlink_to('/tmp'),
    lambda folder: folder.write_text(''),
], ids=['open to all', 'a link', 'a file'])
def test_a_folder_that_is_not_private_is_refused(private, spoil):
    spoil(private)
    with pytest.raises(StartupError, match='is no private folder of this user'):
        write_token(1, 'secret')


def test_without_a_folder_of_the_session_it_is_with_temporary_files(monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_RUNTIME_DIR', str(tmp_path / 'none'))
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path / 'temporary'))
    assert token_path(1) == str(tmp_path / 'temporary' / f'mms-{os.getuid()}' /
                                'management-1.token')

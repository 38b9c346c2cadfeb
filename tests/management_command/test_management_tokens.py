import os

import pytest

from mms.client.management_address import read_address
from mms.errors import UsageError
from mms.management_command.token import find_token
from mms.runtime.token_file import read_token, token_path, write_token

HERE, ELSEWHERE = read_address('127.0.0.1:8081'), read_address('server.example:8081')


@pytest.fixture(autouse=True)
def _of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_RUNTIME_DIR', str(tmp_path))


def test_the_token_of_a_file_is_its_first_line(tmp_path):
    (tmp_path / 'tokens').write_text('\n first \nsecond\n')
    assert find_token(str(tmp_path / 'tokens'), ELSEWHERE) == 'first'


def test_a_mark_of_utf_8_is_no_part_of_a_token(tmp_path):
    (tmp_path / 'tokens').write_bytes(b'\xef\xbb\xbffirst\r\n')
    assert find_token(str(tmp_path / 'tokens'), ELSEWHERE) == 'first'


def test_none_is_no_token_even_where_a_server_has_left_one():
    write_token(8081, 'left')
    assert find_token('none', HERE) is None


def test_what_a_server_has_left_is_found_and_sent_to_this_machine_alone():
    assert find_token(None, HERE) is None
    write_token(8081, 'left')
    assert find_token(None, HERE) == 'left'
    assert find_token(None, ELSEWHERE) is None
    assert find_token(None, read_address('127.0.0.1:9999')) is None


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UsageError, match="token file '.*nothing' cannot be read: No such file"):
        find_token(str(tmp_path / 'nothing'), HERE)


@pytest.mark.parametrize(('content', 'told'), [
    (b'', 'is empty'), (b'two words', 'is no token: those are letters'),
    (b'a\x1b[31m', 'is no token'), (b'\xff\xfe', 'it is no text in UTF-8')])
def test_a_file_that_holds_no_token_is_told(tmp_path, content, told):
    (tmp_path / 'file').write_bytes(content)
    with pytest.raises(UsageError, match=told):
        find_token(str(tmp_path / 'file'), HERE)


def test_a_token_in_the_place_of_its_file_is_not_shown():
    with pytest.raises(UsageError) as refused:
        find_token('0123456789abcdef' * 4, HERE)
    assert str(refused.value).startswith("the token file '0123...' looks like a token")


def test_a_digest_is_not_sent(tmp_path):
    (tmp_path / 'tokens').write_text(f'sha256:{"0" * 64} manage\nmetrics-alone metrics\n')
    with pytest.raises(UsageError, match='the digest alone of a token of the scope manage, which '
                                         'cannot be sent: give a file with the token itself'):
        find_token(str(tmp_path / 'tokens'), HERE)


def test_what_others_may_have_written_is_not_read():
    path = write_token(8081, 'left')
    os.chmod(os.path.dirname(path), 0o777)
    assert read_token(8081) is None


def test_what_is_no_file_is_not_read(tmp_path):
    path = token_path(8081)
    os.mkdir(os.path.dirname(path), 0o700)
    (tmp_path / 'secret').write_text('secret')
    os.symlink(tmp_path / 'secret', path)
    assert read_token(8081) is None
    os.unlink(path)
    os.mkfifo(path)
    assert read_token(8081) is None


def test_what_is_in_a_comment_is_not_sent_whatever_separates_it(tmp_path):
    (tmp_path / 'tokens').write_text('# old:\fretired-one manage\nnew-one manage\n')
    assert find_token(str(tmp_path / 'tokens'), ELSEWHERE) == 'new-one'

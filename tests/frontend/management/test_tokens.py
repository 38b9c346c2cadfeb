"""Who may ask a port that asks for a token."""

import logging
import os
import threading

import pytest

from mms.errors import UsageError
from mms.frontend.management.tokens import Anybody, TokenFile, Tokens, made_up


def asking(header):
    return {'HTTP_AUTHORIZATION': header}


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / 'tokens'

    def write(text):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return TokenFile(str(path), '--management-token')

    write.path = path
    return write


def test_a_token_is_asked_for_as_rfc_6750_has_it():
    tokens = Tokens(['one', 'two'])
    assert tokens.allows(asking('Bearer one'))
    assert tokens.allows(asking('bearer  two '))
    for header in ('', 'one', 'Bearer', 'Bearer ', 'Bearer oneone', 'Bearer on', 'Basic one',
                   'Bearer one two', 'Bearer ONE', 'Bearer \xe9'):
        assert not tokens.allows(asking(header)), header
    assert not tokens.allows({})


def test_without_tokens_nobody_may_and_anybody_may():
    assert not Tokens([]).allows(asking('Bearer '))
    assert Anybody().allows({})


def test_a_token_that_is_made_is_long_and_another_each_time():
    assert len({made_up() for _ in range(3)}) == 3
    assert len(made_up()) >= 43


def test_each_line_of_a_file_is_a_token(token_file):
    tokens = token_file('new-one\r\n\n  old+/=  \n')
    assert tokens.allows(asking('Bearer new-one'))
    assert tokens.allows(asking('Bearer old+/='))
    assert not tokens.allows(asking('Bearer '))


def test_a_mark_of_utf_8_is_no_part_of_a_token(token_file):
    assert token_file(b'\xef\xbb\xbfone\r\n').allows(asking('Bearer one'))


@pytest.mark.parametrize(('text', 'reason'), [
    ('', 'holds no token: give one on each line'),
    ('\n \n', 'holds no token: give one on each line'),
    ('good\nnot a secret\n', 'has no token in line 2: those are letters, digits and any of '
                             '-._~+/'),
    ('a' * 2**20 + 'b', 'is too long for a list of tokens'),
    (b'\xff\xfe', 'cannot be read: it is no text in UTF-8'),
])
def test_a_file_that_holds_something_else_is_refused_and_not_shown(token_file, text, reason):
    with pytest.raises(UsageError) as refused:
        token_file(text)
    assert str(refused.value) == f'--management-token {str(token_file.path)!r} {reason}'


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match='none.*cannot be read: No such file or directory'):
        TokenFile(str(tmp_path / 'none'), 'MMS_MANAGEMENT_TOKEN')


def test_tokens_are_exchanged_one_after_the_other(token_file):
    tokens = token_file('old\n')
    token_file.path.write_text('old\nnew\n')
    assert not tokens.allows(asking('Bearer new'))
    tokens.reload()
    assert tokens.allows(asking('Bearer old'))
    assert tokens.allows(asking('Bearer new'))
    token_file.path.write_text('new\n')
    tokens.reload()
    assert not tokens.allows(asking('Bearer old'))
    assert tokens.allows(asking('Bearer new'))


@pytest.mark.parametrize('spoil', [
    lambda path: path.unlink(), lambda path: path.write_text('')], ids=['removed', 'emptied'])
def test_tokens_that_cannot_be_read_again_stay_as_they_were(token_file, spoil, caplog):
    tokens = token_file('old\n')
    spoil(token_file.path)
    with caplog.at_level(logging.ERROR):
        tokens.reload()
    assert tokens.allows(asking('Bearer old'))
    assert 'The tokens of the management port stay as they were: --management-token' in caplog.text


def test_a_pipe_is_read_at_the_start_alone(tmp_path, caplog):
    path = tmp_path / 'pipe'
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_text('one\n'))
    writer.start()
    tokens = TokenFile(str(path), '--management-token')
    writer.join()
    tokens.reload()
    assert tokens.allows(asking('Bearer one'))
    assert f'The tokens of the management port stay as they were: {path} is no file.' in caplog.text

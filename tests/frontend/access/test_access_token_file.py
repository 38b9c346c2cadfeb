"""Files of tokens: what each line says, what is wrong with one, and how it is read again."""

import hashlib
import logging
import os
import re
import threading

import pytest

from mms.errors import UsageError
from mms.frontend.access.scopes import MANAGE, METRICS, PREDICT
from mms.frontend.access.token_file import TokenFile, management_tokens, scoped_tokens

ONE, TWO, THREE = 'one-' * 8, 'two-' * 8, 'three-' * 8


@pytest.fixture
def file(tmp_path):
    """Write a file for nobody else, and read its tokens."""
    path = tmp_path / 'tokens'

    def read(text, tokens_of=scoped_tokens):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o600)
        return TokenFile(str(path), '--auth-token-file', tokens_of)

    read.path = path
    return read


def test_a_line_says_what_its_token_is_good_for(file, caplog):
    digest = hashlib.sha256(THREE.encode()).hexdigest()
    tokens = file(f'# comment\n\n{ONE} predict app.one\n  {TWO}\tpredict,metrics # two\r\n'
                  f'sha256:{digest.upper()} manage\n')
    assert tokens.find(ONE)[1:] == (PREDICT, 'app.one')
    assert tokens.find(TWO)[1:] == (PREDICT | METRICS, '')
    assert tokens.find(THREE)[1:] == (MANAGE, '')
    assert tokens.find('') is None
    assert tokens.find(f'sha256:{digest}') is None
    assert caplog.records == []


@pytest.mark.parametrize('line', ['sha256:' + hashlib.sha256(b'').hexdigest() + ' predict'])
def test_the_digest_of_nothing_lets_nobody_in(file, line):
    from mms.frontend.access.tokens import sent_token
    sent = sent_token({'HTTP_AUTHORIZATION': 'Bearer '})
    assert not (sent and file(line).find(sent))


@pytest.mark.parametrize(('text', 'reason'), [
    ('', 'holds no token: give one on each line'),
    ('# none\n', 'holds no token: give one on each line'),
    (f'{ONE}\n', 'has not two or three words in line 1: give TOKEN SCOPES, or TOKEN '
                 'SCOPES NAME, with predict, metrics or manage and commas between them as SCOPES'),
    (f'{ONE} predict\n{TWO} predict a secret\n', 'has not two or three words in line 2: '),
    (f'predict {ONE}\n', 'has a scope in line 1 that is none: give predict, metrics or manage'),
    (f'{ONE} predict metrics\n', 'has a blank between scopes in line 1, or a comma too many: '
                                 'write predict,metrics without blanks'),
    (f'{ONE} predict, metrics\n', 'has a blank between scopes in line 1'),
    (f'{ONE} predict ,metrics\n', 'has a blank between scopes in line 1'),
    (f'{ONE} predict , metrics\n', 'has a blank between scopes in line 1'),
    (f'{ONE} predict metrics manage\n', 'has a blank between scopes in line 1'),
    (f'{ONE} predict,\n', 'has a blank between scopes in line 1, or a comma too many'),
    (f'{ONE} predict,,metrics\n', 'has a scope in line 1 that is none'),
    (f'{ONE} predict,secret\n', 'has a scope in line 1 that is none'),
    (f'{ONE} ,\n', 'has a scope in line 1 that is none'),
    ('sécret predict\n', 'has no token in line 1: those are letters, digits and any of -._~+/'),
    ('sha256:secret predict\n', 'has no digest in line 1: give sha256: and 64 hexadecimal digits'),
    (f'{ONE} predict sécret\n', 'has a name in line 1 that is none'),
    (f'{ONE} predict\n\n{ONE} metrics\n', 'has in line 3 the token of line 1 again'),
    ('a' * 2**20 + 'b', 'is too long for a list of tokens'),
    (b'\xff\xfe', 'cannot be read: it is no text in UTF-8'),
])
def test_a_file_that_holds_something_else_is_told_in_a_line_that_shows_nothing_of_it(
        file, text, reason):
    with pytest.raises(UsageError) as refused:
        file(text)
    told = str(refused.value)
    assert told.startswith(f'--auth-token-file {str(file.path)!r} {reason}')
    assert '\n' not in told
    assert not re.search(f'{ONE}|{TWO}|s.cret', told.replace(str(file.path), ''))


def test_a_short_token_and_one_that_everybody_reads_are_warned_of(file, caplog):
    file('short predict')
    assert 'The token in line 1 of the file of tokens has fewer than 16 characters' in caplog.text
    assert 'short' not in caplog.text.replace('shorter', '')
    file.path.chmod(0o644)
    TokenFile(str(file.path), '--auth-token-file', scoped_tokens)
    assert f'can be read by every user of this machine: chmod o-r {file.path}' in caplog.text


def test_each_line_of_a_management_file_is_a_token_that_may_manage(file):
    tokens = file('new-one\r\n\n  old+/=  \n', management_tokens)
    assert tokens.find('new-one').scopes == tokens.find('old+/=').scopes == MANAGE
    with pytest.raises(UsageError, match='has no token in line 2: those are letters'):
        file('good\nnot a token\n', management_tokens)


def test_a_mark_of_utf_8_is_no_part_of_a_token(file):
    assert file(b'\xef\xbb\xbfone\r\n', management_tokens).find('one')


@pytest.mark.parametrize('blank', ['\f', '\v', '\x85', '\u2028'])
def test_a_comment_ends_where_its_line_does(file, blank):
    tokens = file(f'{ONE} predict\n# old:{blank}{TWO} manage\n')
    assert tokens.find(ONE)
    assert not tokens.find(TWO)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match='none.*cannot be read: No such file or directory; '
                                         'give a file of tokens that the user of the server'):
        TokenFile(str(tmp_path / 'none'), 'MMS_AUTH_TOKEN_FILE', scoped_tokens)


def test_a_token_in_the_place_of_its_file_is_not_shown():
    with pytest.raises(UsageError) as refused:
        TokenFile('0123456789abcdef' * 4, '--auth-token-file', scoped_tokens)
    assert str(refused.value).startswith("--auth-token-file '0123...' looks like a token")


def test_a_file_that_has_gone_is_named_whatever_it_is_called(
        tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tokens-in-production').write_text(f'{ONE} predict\n')
    tokens = TokenFile('tokens-in-production', '--auth-token-file', scoped_tokens)
    (tmp_path / 'tokens-in-production').unlink()
    tokens.reload()
    assert "'tokens-in-production' cannot be read: No such file" in caplog.text


def test_tokens_are_exchanged_one_after_the_other(file):
    tokens = file(f'{ONE} predict\n')
    for text, known in ((f'{ONE} predict\n{TWO} predict\n', {ONE, TWO}),
                        (f'{TWO} metrics\n', {TWO})):
        file.path.write_text(text)
        tokens.reload()
        assert {each for each in (ONE, TWO) if tokens.find(each)} == known
    assert tokens.find(TWO).scopes == METRICS


@pytest.mark.parametrize('spoil', [
    lambda path: path.unlink(), lambda path: path.write_text(''),
    lambda path: path.write_text(f'{ONE} predict\n{TWO}\n')], ids=['removed', 'emptied', 'broken'])
def test_tokens_that_cannot_be_read_again_stay_as_they_were(file, spoil, caplog):
    tokens = file(f'{ONE} predict\n')
    spoil(file.path)
    with caplog.at_level(logging.ERROR):
        tokens.reload()
    assert tokens.find(ONE)
    assert not tokens.find(TWO)
    assert 'The tokens stay as they were: --auth-token-file' in caplog.text


def test_a_pipe_is_read_at_the_start_alone(tmp_path, caplog):
    path = tmp_path / 'pipe'
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_text(f'{ONE} predict\n'))
    writer.start()
    tokens = TokenFile(str(path), '--auth-token-file', scoped_tokens)
    writer.join()
    tokens.reload()
    assert tokens.find(ONE)
    assert f'The tokens stay as they were: {path} is no file.' in caplog.text

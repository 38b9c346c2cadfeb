"""A token that was given in the place of its file."""

import os

import pytest

from mms.errors import UsageError
from mms.runtime.misplaced_token import refuse_token


@pytest.mark.parametrize('token', [
    '0123456789abcdef' * 4, '0123456789abcdef' * 40, 'my-own-token-of-old', 'pKx0/3Zt+w1' * 3 + '=',
    'eyJhbGciOiJub25l.eyJzdWIiOiJhIn0.c2lnbmF0dXJl'])
def test_four_of_its_letters_are_shown(token):
    with pytest.raises(UsageError) as refused:
        refuse_token(token, '--auth-token-file')
    assert str(refused.value) == (
        f"--auth-token-file '{token[:4]}...' looks like a token, and there is no such file: give "
        'the path of a FILE with the token in it')


@pytest.mark.parametrize('path', [
    'tokens', 'tokens-of-the-server.txt', '/etc/mxnet-model-server/tokens', './Tokens/Of2024/mine',
    'run/secrets/MyTokens2024/of-the-server', '~/Tokens2024/Of-The-Server-At-Home', '',
    'tokens of the server', 'folder/Tokens2024/Of-The-Server-At-Home'])
def test_the_name_of_a_file_is_none(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.makedirs('run')
    os.makedirs('folder')
    refuse_token(path, '--auth-token-file')


def test_neither_is_what_names_a_file_that_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'my-own-token-of-old').write_text('')
    refuse_token('my-own-token-of-old', '--auth-token-file')

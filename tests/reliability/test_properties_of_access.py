"""Files of tokens, origins of pages and signatures of archives, as any text."""

import json

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from mms.archive.keys import PrivateKey, PublicKeys
from mms.archive.signed_digest import SignedDigest
from mms.config.cors_origins import Origins
from mms.errors import UntrustedError, UsageError
from mms.frontend.access.scopes import Scope
from mms.frontend.access.token_file import TokenFile, management_tokens, scoped_tokens
from mms.frontend.access.tokens import digest_of

TOKEN = st.text('abcXYZ019-._~+/', min_size=16, max_size=40)
SCOPES = st.lists(st.sampled_from([scope.value for scope in Scope]), min_size=1, max_size=3)
TEXT = st.text(st.characters(exclude_categories=['Cs']), max_size=40)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('access')


def read(folder, text, tokens_of=scoped_tokens):
    path = folder / 'tokens'
    path.write_text(text, encoding='utf-8')
    path.chmod(0o600)
    return TokenFile(str(path), '--auth-token-file', tokens_of)


@settings(max_examples=examples(60))
@given(given_tokens=st.dictionaries(TOKEN, SCOPES, min_size=1, max_size=4), other=TOKEN,
       hashed=st.booleans(), end=st.sampled_from(['\n', '\r\n', ' # old\n', '\n\n#\n']))
def test_each_token_of_a_file_is_found_with_its_scopes_and_no_other_is(
        folder, given_tokens, other, hashed, end):
    found = read(folder, ''.join(
        f"{'sha256:' + digest_of(token).hex() if hashed else token} {','.join(scopes)}{end}"
        for token, scopes in given_tokens.items()))
    for token, scopes in given_tokens.items():
        assert {scope.value for scope in found.find(token).scopes} == set(scopes)
    if other not in given_tokens:
        assert found.find(other) is None
    assert found.find('') is None


@settings(max_examples=examples(100))
@given(lines=st.lists(st.lists(TOKEN | TEXT | st.sampled_from(
    ['predict', 'manage,metrics', '#', 'sha256:', 'all', ','])).map(' '.join), max_size=4))
def test_a_file_is_of_tokens_or_refused_without_a_word_of_it(folder, lines):
    for tokens_of in (scoped_tokens, management_tokens):
        try:
            found = read(folder, '\n'.join(lines), tokens_of)
        except UsageError as error:
            told = str(error).replace(str(folder), '')
            secrets = [word for line in lines for word in line.split() if len(word) > 15]
            assert [word for word in secrets if word in told] == []
            assert told.splitlines() == [told]
        else:
            assert found.find('never given to anybody') is None


@settings(max_examples=examples(100))
@given(st.lists(st.sampled_from(['*', 'none', 'null', 'https://', 'http://a', ':80', ':99999',
                                 'HTTPS://A.example:443', '/', '@', '://', ',', ' ']) | TEXT,
                max_size=4).map(''.join), TEXT)
def test_origins_allow_what_they_name_and_nothing_else(text, other):
    try:
        origins = Origins(text)
    except ValueError:
        return
    words = [word.strip() for word in text.split(',') if word.strip()]
    assert origins.every == (words == ['*'])
    if not origins.every:
        assert not origins.allows('null')
        assert not origins.allows('')
        assert not origins.allows(other) or other in text.lower()
    assert Origins(text) == origins


@settings(max_examples=examples(60))
@given(st.dictionaries(st.sampled_from(['algorithm', 'sha256', 'key', 'signature', 'x']),
                       st.just('Ed25519') | TEXT | st.integers() | st.none()).map(json.dumps).map(
                           str.encode) | st.binary(max_size=60))
def test_a_signature_file_says_something_or_is_refused(data):
    try:
        signed = SignedDigest.from_bytes(data, 'm.model.sig')
    except UntrustedError as error:
        assert 'm.model.sig' in str(error)
    else:
        assert SignedDigest.from_bytes(signed.to_bytes(), '') == signed


@pytest.fixture(scope='module')
def keys(folder):
    serialization = pytest.importorskip('cryptography.hazmat.primitives.serialization')
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    private = Ed25519PrivateKey.generate()
    (folder / 'key').write_bytes(private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    (folder / 'keys').write_bytes(private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return (PrivateKey(str(folder / 'key')),
            PublicKeys(str(folder / 'keys'), '--require-signed'))


@settings(max_examples=examples(60))
@given(digest=st.binary(min_size=32, max_size=32), data=st.data())
def test_a_signature_that_was_changed_anywhere_is_not_trusted(keys, digest, data):
    private, public = keys
    whole = private.sign(digest.hex())
    public.verify(SignedDigest.from_bytes(whole.to_bytes(), 's'), 's')
    text = bytearray(whole.to_bytes())
    text[data.draw(st.integers(0, len(text) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        changed = SignedDigest.from_bytes(bytes(text), 's')
        if changed != whole:
            public.verify(changed, 's')
    except UntrustedError:
        return
    # Blanks between the fields may change.
    assert changed == whole

"""Archives that are signed, and what is served where they must be."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from extras import extra

from mms.archive.admission import Admission
from mms.archive.keys import PrivateKey, PublicKeys
from mms.archive.location import Location
from mms.archive.reader import open_model
from mms.archive.writer import sign_archive, write_archive
from mms.errors import ArchiveError, ExportError, KeyFileError, UntrustedError

extra('cryptography')

OTHERS = {'rsa': ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
          'x25519': ['genpkey', '-algorithm', 'X25519'],
          'encrypted': ['genpkey', '-algorithm', 'ed25519', '-aes256', '-pass', 'pass:hunter2']}


def openssl(*words):
    return subprocess.run(['openssl', *map(str, words)], check=True, capture_output=True).stdout


@pytest.fixture(scope='module')
def keys(tmp_path_factory):
    """`NAME.key` and `NAME.pub` of two keys, as the page makes them; and other private keys."""
    folder = tmp_path_factory.mktemp('keys')
    for name in ('mine', 'other'):
        openssl('genpkey', '-algorithm', 'ed25519', '-out', folder / f'{name}.key')
        openssl('pkey', '-in', folder / f'{name}.key', '-pubout', '-out', folder / f'{name}.pub')
    for name, words in OTHERS.items():
        openssl(*words, '-out', folder / f'{name}.key')
    openssl('pkey', '-in', folder / 'rsa.key', '-pubout', '-out', folder / 'rsa.pub')
    return folder


@pytest.fixture
def signed(make_zip, files, keys):
    """The path of an archive, and of its signature."""
    archive = make_zip(files)
    return Path(archive), Path(sign_archive(archive, str(keys / 'mine.key')))


def admission(keys, name='mine'):
    return Admission(PublicKeys(str(keys / f'{name}.pub'), '--require-signed'))


def opened(location, workspace, keys, name='mine'):
    return open_model('net', Location.parse(str(location)), workspace, False,
                      admission(keys, name))


def refusal(location, workspace, keys, name='mine'):
    with pytest.raises(UntrustedError) as caught:
        opened(location, workspace, keys, name)
    assert '\n' not in str(caught.value)
    assert os.listdir(workspace) == []
    return str(caught.value)


def test_a_signed_archive_opens(signed, workspace, keys):
    archive, signature = signed
    assert signature.name == archive.name + '.sig'
    assert opened(archive, workspace, keys).model_name == 'tiny'
    assert opened(archive.as_uri(), workspace, keys).model_name == 'tiny'
    assert os.path.basename(opened(archive, workspace, keys).model_dir) == 'model'


def test_nothing_but_the_files_of_the_archive_stays(signed, workspace, keys):
    (private,) = {Path(opened(signed[0], workspace, keys).model_dir).parent}
    assert os.listdir(private) == ['model']


def test_the_signature_is_over_the_digest_and_openssl_agrees(signed, keys, tmp_path):
    archive, signature = signed
    fields = json.loads(signature.read_text())
    assert fields['algorithm'] == 'Ed25519'
    digest = openssl('dgst', '-sha256', '-r', archive).split()[0].decode()
    der = openssl('pkey', '-pubin', '-in', keys / 'mine.pub', '-outform', 'DER')
    (tmp_path / 'der').write_bytes(der)
    key = openssl('dgst', '-sha256', '-r', tmp_path / 'der').split()[0].decode()
    assert (fields['sha256'], fields['key']) == (digest, key)
    (tmp_path / 'text').write_text(f'mxnet-model-server archive v1\n{digest}')
    (tmp_path / 'raw').write_bytes(subprocess.run(
        ['openssl', 'base64', '-d', '-A'], input=fields['signature'].encode(), check=True,
        capture_output=True).stdout)
    openssl('pkeyutl', '-verify', '-pubin', '-inkey', keys / 'mine.pub', '-rawin', '-in',
            tmp_path / 'text', '-sigfile', tmp_path / 'raw')


def test_the_same_archive_has_the_same_signature(signed, keys):
    before = signed[1].read_bytes()
    assert Path(sign_archive(str(signed[0]), str(keys / 'mine.key'))).read_bytes() == before


@pytest.fixture
def ssh(tmp_path):
    """Make a key as ssh-keygen does, with a password."""
    if not shutil.which('ssh-keygen'):
        pytest.skip('needs ssh-keygen')

    def make(password):
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', password, '-f',
                        tmp_path / 'my key'], check=True)
        return tmp_path / 'my key'

    return make


def test_a_key_of_ssh_keygen_signs(signed, workspace, keys, ssh):
    sign_archive(str(signed[0]), str(ssh('')))
    assert 'not trusted' in refusal(signed[0], workspace, keys)


def test_a_key_of_ssh_keygen_that_is_encrypted_is_made_one_that_is_not(ssh):
    key = str(ssh('hunter2'))
    with pytest.raises(KeyFileError) as caught:
        PrivateKey(key)
    command = re.search('(ssh-keygen .*) leaves it$', str(caught.value))[1]
    subprocess.run(f'{command} -P hunter2', shell=True, check=True, capture_output=True)
    assert PrivateKey(key)


def test_a_public_key_of_ssh_keygen_is_made_pem(ssh, signed, workspace, tmp_path):
    key = str(ssh(''))
    with pytest.raises(KeyFileError, match='is a public key of OpenSSH') as caught:
        PublicKeys(f'{key}.pub', '--require-signed')
    command = str(caught.value).partition('make PEM of it with ')[2]
    pem = subprocess.run(command, shell=True, check=True, capture_output=True).stdout
    (tmp_path / 'ssh.pub').write_bytes(pem)
    sign_archive(str(signed[0]), key)
    assert opened(signed[0], workspace, tmp_path, 'ssh')


def test_any_of_several_keys_may_have_signed(signed, workspace, keys, tmp_path):
    both = tmp_path / 'both.pub'
    both.write_text((keys / 'other.pub').read_text() + '\n# mine\n'
                    + (keys / 'mine.pub').read_text())
    trusted = PublicKeys(str(both), '--require-signed')
    assert len(trusted) == 2
    assert open_model('net', Location.parse(str(signed[0])), workspace, False, Admission(trusted))


def test_an_archive_without_a_signature_is_refused(make_zip, files, workspace, keys):
    message = refusal(make_zip(files), workspace, keys)
    assert 'tiny.model is not signed, as --require-signed asks for: ' in message
    assert message.endswith('tiny.model.sig: no such file or folder')


def test_the_signature_of_another_key_is_refused(signed, workspace, keys):
    assert 'is made with a key that is not trusted' in refusal(signed[0], workspace, keys, 'other')


def test_an_archive_that_was_changed_is_refused(signed, workspace, keys):
    with signed[0].open('r+b') as archive:
        archive.seek(50)
        archive.write(b'x')
    assert 'is not what was signed: its SHA-256 is ' in refusal(signed[0], workspace, keys)


def test_a_signature_that_somebody_has_made_fit_is_refused(signed, workspace, keys, make_zip):
    archive, signature = signed
    fields = json.loads(signature.read_text())
    Path(make_zip({'evil.py': ''})).replace(archive)
    fields['sha256'] = openssl('dgst', '-sha256', '-r', archive).split()[0].decode()
    signature.write_text(json.dumps(fields))
    assert 'is forged or broken' in refusal(archive, workspace, keys)


@pytest.mark.parametrize('text', [
    '', '{', '[]', 'null', '{}', '[' * 4000, '"x"', 'x' * 5000, '{"algorithm": "Ed25519"}',
    '{"algorithm": 1, "sha256": 2, "key": 3, "signature": 4}',
    '{"algorithm": "RSA", "sha256": "", "key": "", "signature": ""}',
    '{"algorithm": "Ed25519", "sha256": "", "key": "", "signature": "!"}',
    '{"algorithm": "Ed25519", "sha256": "", "key": "", "signature": "\\u00e4"}',
    '{"algorithm": "Ed25519", "sha256": "\\ud800", "key": "\\ud800", "signature": "AA=="}',
])
def test_what_is_no_signature_is_one_line(signed, workspace, keys, text):
    signed[1].write_text(text)
    message = refusal(signed[0], workspace, keys)
    assert message.startswith(f'{signed[1]} is no signature of an archive: ') or 'RSA' in text \
        or 'ud800' in text


def test_a_strange_digest_under_a_known_key_is_refused(signed, workspace, keys):
    fields = json.loads(signed[1].read_text())
    for change in ({'sha256': '\ud800'}, {'sha256': ''}, {'signature': ''}):
        signed[1].write_text(json.dumps({**fields, **change}))
        assert 'is forged or broken' in refusal(signed[0], workspace, keys)


@pytest.mark.parametrize('kind', ['folder', 'pipe', 'device'])
def test_a_signature_that_is_no_file_is_refused(signed, workspace, keys, kind):
    signed[1].unlink()
    {'folder': os.mkdir, 'pipe': os.mkfifo,
     'device': lambda path: os.symlink('/dev/zero', path)}[kind](signed[1])
    assert 'is neither a file nor a folder' in refusal(signed[0], workspace, keys)


def test_a_folder_is_refused(make_folder, files, workspace, keys):
    message = refusal(make_folder(files), workspace, keys)
    assert 'is a folder, which has no signature' in message
    assert refusal(f'file://{make_folder(files)}', workspace, keys).endswith(
        'make one with mxnet-model-export --sign KEY')


def test_what_was_verified_is_extracted_whatever_becomes_of_the_file(
        signed, workspace, keys, make_zip, files, monkeypatch):
    """A file that is written to in place between the check and the extraction."""
    from mms.archive import reader

    archive, real = signed[0], reader.extract_stream
    files['service.py'] = 'evil = 1\n'
    evil = Path(make_zip(files, name='evil.model')).read_bytes()

    def late(stream, *rest):
        archive.write_bytes(evil)
        real(stream, *rest)

    monkeypatch.setattr(reader, 'extract_stream', late)
    model = opened(archive, workspace, keys)
    assert 'evil' not in Path(model.model_dir, 'service.py').read_text()
    assert archive.read_bytes() == evil


def test_an_archive_is_not_read_before_it_is_verified(tmp_path, workspace, keys):
    archive = tmp_path / 'x.model'
    archive.write_bytes(b'no zip at all')

    def sign(name):
        signed = PrivateKey(str(keys / f'{name}.key')).sign(digest(archive))
        (tmp_path / 'x.model.sig').write_bytes(signed.to_bytes())

    assert 'is not signed' in refusal(archive, workspace, keys)
    sign('other')
    assert 'not trusted' in refusal(archive, workspace, keys)
    sign('mine')
    with pytest.raises(ArchiveError, match='it is not a zip file'):
        opened(tmp_path / 'x.model', workspace, keys)


@pytest.mark.parametrize(('content', 'reason'), [
    (lambda archive, keys: (keys / 'mine.pub').read_bytes(),
     'is not a model archive: it is not a zip file'),
    (lambda archive, keys: b'PK', 'is a broken or truncated archive'),
    (lambda archive, keys: archive.read_bytes()[:-30], 'is a broken or truncated archive')],
    ids=['text', 'two letters', 'half'])
def test_what_is_no_archive_is_not_signed(make_zip, files, keys, content, reason):
    archive = Path(make_zip(files))
    archive.write_bytes(content(archive, keys))
    with pytest.raises(ArchiveError, match=reason) as caught:
        sign_archive(str(archive), str(keys / 'mine.key'))
    assert '\n' not in str(caught.value)
    assert os.listdir(archive.parent) == [archive.name]


def test_a_watched_archive_is_whole_when_its_signature_fits(signed, keys):
    archive, signature = signed
    mine = admission(keys)
    before = mine.look_into(str(archive))
    assert before == json.loads(signature.read_text())['sha256']
    archive.write_bytes(archive.read_bytes() + b' ')
    assert mine.look_into(str(archive)) is None
    sign_archive(str(archive), str(keys / 'mine.key'))
    assert mine.look_into(str(archive)) not in (None, before)


# ---- digests


def digest(path):
    return openssl('dgst', '-sha256', '-r', path).split()[0].decode()


@pytest.mark.parametrize('form', ['{}', 'file://{}'])
def test_an_archive_with_its_digest_opens(make_zip, files, workspace, form):
    archive = make_zip(files)
    location = Location.parse(f'{form.format(archive)}#sha256={digest(archive).upper()}')
    assert open_model('net', location, workspace).model_name == 'tiny'
    assert location.listed == f'{form.format(archive)}#sha256={digest(archive)}'


def test_another_digest_is_refused_and_both_are_told(make_zip, files, workspace):
    archive = make_zip(files)
    with pytest.raises(UntrustedError) as caught:
        open_model('net', Location.parse(f'{archive}#sha256={"0" * 64}'), workspace)
    assert str(caught.value) == (f'{archive} is another archive: its SHA-256 is {digest(archive)}, '
                                 f'and #sha256= says {"0" * 64}')
    assert os.listdir(workspace) == []


def test_a_folder_with_a_digest_is_refused(make_folder, files, workspace):
    with pytest.raises(UntrustedError, match='is a folder, which has no digest'):
        open_model('net', Location.parse(f'{make_folder(files)}#sha256={"0" * 64}'), workspace)


@pytest.mark.parametrize('wrong', [
    'sha256=abc', 'sha256=', 'SHA256=' + '0' * 64, 'sha1=' + '0' * 40, 'sha256:' + '0' * 64,
    'sha256=' + '0' * 65, 'md5=0'])
def test_what_is_no_digest_is_told(make_zip, files, workspace, wrong):
    for location in (f'{make_zip(files)}#{wrong}', f'http://127.0.0.1:1/a.model#{wrong}',
                     f's3://b/a.model#{wrong}'):
        with pytest.raises(Exception, match='is no digest: give #sha256= and 64 hexa') as caught:
            open_model('net', Location.parse(location), workspace)
        assert '\n' not in str(caught.value)


def test_a_path_may_have_any_other_number_sign(make_zip, files, workspace):
    for name in ('a#b.model', '#sha256=abc', '#sha256=abc.model', f'x#sha256={"0" * 64}.model'):
        assert open_model('net', Location.parse(make_zip(files, name)), workspace)


@pytest.mark.parametrize(('text', 'beside'), [
    ('a.model', 'a.model.sig'), ('file:///a#b?c', 'file:///a#b?c.sig'),
    ('http://h/a.model?x=y/z#f', 'http://h/a.model.sig?x=y/z#f'),
    ('https://h/a.model', 'https://h/a.model.sig'), ('s3://b/k?v#1', 's3://b/k?v#1.sig'),
    (f'a.model#sha256={"0" * 64}', 'a.model.sig'),
])
def test_the_signature_lies_beside_the_archive(text, beside):
    assert Location.parse(text).beside('.sig').text == beside


# ---- a path that has become a link


def test_a_link_in_a_path_that_had_none_is_not_opened(make_zip, make_folder, files, tmp_path,
                                                      workspace):
    archive = Path(make_zip(files, name='real.model'))
    os.symlink(archive, tmp_path / 'link.model')
    os.symlink(tmp_path, tmp_path / 'linked')
    os.symlink(make_folder(files), tmp_path / 'linked-folder')
    for path in ('link.model', 'linked/real.model', 'linked-folder'):
        location = replace(Location.parse(str(tmp_path / path)), is_real=True)
        with pytest.raises(ArchiveError, match='is a link, or has become one, and is not opened'):
            open_model('net', location, workspace)
    assert open_model('net', replace(Location.parse(str(archive)), is_real=True), workspace)


# ---- keys


@pytest.mark.parametrize(('name', 'message'), [
    ('none.key', 'cannot be read: No such file or directory; give a PEM file that may be read'),
    ('mine.pub', 'holds no private key in PEM'),
    ('rsa.key', 'is no Ed25519 key'), ('x25519.key', 'is no Ed25519 key'),
    ('encrypted.key', 'is encrypted: give it without a password, as openssl pkey -in '),
    ('.', 'cannot be read'),
    ('\0', 'cannot be read'),
])
def test_a_private_key_that_cannot_be_used_is_told(keys, name, message):
    with pytest.raises(KeyFileError, match=f'^the key file .*{message}') as caught:
        PrivateKey(os.path.join(keys, name))
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(('text', 'message'), [
    ('', 'holds no public key'), ('{mine.key}', 'holds a private key, which must not lie'),
    ('{mine.pub}{rsa.pub}', 'block 2 is no Ed25519 public key'),
    ('{mine.pub}-----BEGIN PUBLIC KEY-----\nMCow', 'has a block that is cut off'),
    ('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', 'block 1 is no Ed25519'),
    ('x' * 2**20 + 'x', 'has more than 1048576 bytes'),
])
def test_a_file_of_public_keys_that_cannot_be_used_is_told(keys, tmp_path, text, message):
    for name in ('mine.key', 'mine.pub', 'rsa.pub'):
        text = text.replace(f'{{{name}}}', (keys / name).read_text())
    (tmp_path / 'keys').write_text(text)
    with pytest.raises(KeyFileError, match=f'^--require-signed .*{message}'):
        PublicKeys(str(tmp_path / 'keys'), '--require-signed')


def test_keys_that_cannot_be_read_again_stay(keys, tmp_path, signed, workspace):
    path = tmp_path / 'keys'
    shutil.copy(keys / 'other.pub', path)
    trusted = PublicKeys(str(path), '--require-signed')
    location = Location.parse(str(signed[0]))
    with pytest.raises(UntrustedError):
        open_model('net', location, workspace, False, Admission(trusted))
    shutil.copy(keys / 'mine.pub', path)
    trusted.reload()
    assert open_model('net', location, workspace, False, Admission(trusted))
    path.write_text('')
    with pytest.raises(KeyFileError):
        trusted.reload()
    assert open_model('net', location, workspace, False, Admission(trusted))


# ---- signing while an archive is written


def test_a_folder_is_not_signed(tmp_path, keys):
    with pytest.raises(ExportError, match='is a folder: make an archive of it'):
        sign_archive(str(tmp_path), str(keys / 'mine.key'))


def test_an_archive_is_written_with_its_signature(tmp_path, keys):
    write_archive({'a': b'1'}, str(tmp_path / 'x.model'),
                  PrivateKey(str(keys / 'mine.key')))
    assert admission(keys).look_into(str(tmp_path / 'x.model'))
    assert sorted(os.listdir(tmp_path)) == ['x.model', 'x.model.sig']


@pytest.mark.parametrize('taken', ['x.model', 'x.model.sig'])
def test_an_archive_and_its_signature_come_together_or_not_at_all(tmp_path, keys, taken):
    (tmp_path / taken).write_text('mine')
    with pytest.raises(ExportError, match=f'{taken} already exists'):
        write_archive({'a': b'1'}, str(tmp_path / 'x.model'),
                      PrivateKey(str(keys / 'mine.key')))
    assert os.listdir(tmp_path) == [taken]
    assert (tmp_path / taken).read_text() == 'mine'

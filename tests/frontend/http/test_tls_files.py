"""Files of a certificate: each that cannot be used is one line that says how to mend it."""

import os
import ssl

import pytest
from certificates import Authority, make

from mms.errors import UsageError
from mms.frontend.http.tls_files import File, TLSFiles


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('certificates')
    authority = Authority(folder)
    authority.sign('ec')
    authority.sign('rsa', kind='rsa')
    other = make('other', authority.made)
    (folder / 'other.key').write_bytes(other.key_pem())
    both = make('both', authority.made)
    (folder / 'both.pem').write_bytes(both.key_pem() + both.pem + authority.made.pem)
    (folder / 'encrypted.key').write_bytes(both.key_pem(b'secret'))
    (folder / 'traditional.key').write_bytes(
        b'-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n')
    (folder / 'der.crt').write_bytes(ssl.PEM_cert_to_DER_cert(both.pem.decode()))
    (folder / 'empty').touch()
    (folder / 'text').write_text('# Schlüssel: siehe nebenan\n', encoding='utf-8')
    (folder / 'public.key').write_text(
        '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n')
    (folder / 'half.crt').write_bytes(b''.join(both.pem.splitlines(True)[:-1]))
    (folder / 'cut.crt').write_bytes(b''.join(both.pem.splitlines(True)[:3])
                                     + b'-----END CERTIFICATE-----\n')
    der = bytearray(ssl.PEM_cert_to_DER_cert(both.pem.decode()))
    # Behind the dates.
    der[110:200] = bytes(90)
    (folder / 'broken.crt').write_text(ssl.DER_cert_to_PEM_cert(bytes(der)))
    (folder / 'broken.key').write_bytes(
        b'-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')
    os.mkfifo(folder / 'pipe')
    with open(folder / 'large', 'wb') as file:
        file.truncate(9 * 2**20)
    return folder


def files(folder, cert, key=None, client_ca=None):
    def file(flag, name):
        return name and File(flag, str(folder / name))
    return TLSFiles(file('--tls-cert', cert), file('--tls-key', key),
                    file('--tls-client-ca', client_ca))


@pytest.mark.parametrize(('cert', 'key'), [
    ('ec.crt', 'ec.key'), ('rsa.crt', 'rsa.key'), ('both.pem', None), ('both.pem', 'both.pem')])
def test_what_fits_is_loaded(folder, cert, key):
    loaded = files(folder, cert, key).load()
    assert loaded.context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert loaded.context.verify_mode == ssl.CERT_NONE
    assert len(loaded.validities) == (2 if cert == 'both.pem' else 1)


def test_authorities_make_clients_show_a_certificate(folder):
    loaded = files(folder, 'both.pem', client_ca='ca.pem').load()
    assert loaded.context.verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize(('names', 'flag', 'mend'), [
    (('missing', 'ec.key'), '--tls-cert', 'No such file or directory; give a PEM file'),
    (('ec.crt', 'missing'), '--tls-key', 'No such file or directory; give a PEM file'),
    (('ec.crt', 'ec.key', 'missing'), '--tls-client-ca', 'No such file or directory'),
    (('.', None), '--tls-cert', 'is a folder: give a PEM file'),
    (('ec.crt', 'pipe'), '--tls-key', 'is no regular file'),
    (('large', None), '--tls-cert', 'is too large'),
    (('a\0b', None), '--tls-cert', 'cannot be read'),
    (('empty', 'ec.key'), '--tls-cert', 'is empty: give a certificate in PEM'),
    (('der.crt', 'ec.key'), '--tls-cert', 'openssl x509 -inform der -in '),
    (('ec.key', 'ec.crt'), '--tls-cert', 'holds a private key and no certificate: give a '
     'certificate here, and a key with --tls-key'),
    (('text', 'ec.key'), '--tls-cert', 'is a text without a certificate in PEM'),
    (('public.key', 'ec.key'), '--tls-cert', 'holds no certificate, but a block PUBLIC KEY'),
    (('half.crt', 'ec.key'), '--tls-cert', 'a block is cut off: one begins, and does not end'),
    (('ec.crt', 'ec.key', 'half.crt'), '--tls-client-ca', 'a block is cut off'),
    (('ec.crt', 'ec.key', 'ec.key'), '--tls-client-ca', 'holds a private key and no certificate'),
    (('cut.crt', 'ec.key'), '--tls-cert', 'a certificate that is broken'),
    (('broken.crt', 'other.key'), '--tls-cert', 'openssl x509 -in '),
    (('ec.crt', None), '--tls-cert', 'give the file of the key with --tls-key'),
    (('ec.crt', 'ec.crt'), '--tls-key', 'holds no private key in PEM'),
    (('ec.crt', 'empty'), '--tls-key', 'holds no private key in PEM'),
    (('ec.crt', 'broken.key'), '--tls-cert', 'openssl pkey -in '),
    (('ec.crt', 'other.key'), '--tls-key', 'is not the key of the certificate in --tls-cert'),
    (('ec.crt', 'rsa.key'), '--tls-key', 'is not the key of the certificate in --tls-cert'),
    (('rsa.crt', 'ec.key'), '--tls-key', 'is not the key of the certificate in --tls-cert'),
    (('both.pem', 'encrypted.key'), '--tls-key', 'without its passphrase (openssl pkey -in '),
    (('both.pem', 'traditional.key'), '--tls-key', 'without its passphrase (openssl pkey -in '),
    (('ec.crt', 'ec.key', 'empty'), '--tls-client-ca', 'is empty: give a certificate'),
    (('ec.crt', 'ec.key', 'broken.crt'), '--tls-client-ca', 'authorities that sign'),
], ids=lambda value: '-'.join(map(str, value)) if isinstance(value, tuple) else None)
def test_what_cannot_be_used_is_one_line(folder, names, flag, mend):
    with pytest.raises(UsageError) as raised:
        files(folder, *names).load()
    message = str(raised.value)
    assert message.startswith(f'{flag} ')
    assert mend in message
    assert '\n' not in message
    assert ('inform der' in message) == ('der.crt' in names)


def test_a_file_that_may_not_be_read_is_told(folder, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr('builtins.open', refuse)
    with pytest.raises(UsageError, match='Permission denied; give a PEM file that the user of the '
                                         'server may read'):
        files(folder, 'both.pem').load()

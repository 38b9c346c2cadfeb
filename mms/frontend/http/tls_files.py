"""The files of a server's certificate: read, checked, and made into what handshakes need."""

from __future__ import annotations

import os
import re
import ssl
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Optional

from mms.errors import UsageError
from mms.frontend.http.certificate_dates import Validity, validities
from mms.frontend.http.tls_socket import TLSContext
from mms.runtime.pem import PEMBlock, pem_blocks

# Of TLS 1.2; those of 1.3 are all good. Each has forward secrecy and is authenticated encryption.
_CIPHERS = 'ECDHE+AESGCM:ECDHE+CHACHA20'
_PROTOCOLS = ['http/1.1']
_OPTIONS = (ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
            # A client that ends without a goodbye gets its answer all the same; HTTP says by
            # itself where its messages end. Python knows the name from 3.10 on.
            | getattr(ssl, 'OP_IGNORE_UNEXPECTED_EOF', 0))
# Any certificate in the file counts, also that of an authority under another one.
_PARTIAL_CHAIN = getattr(ssl, 'VERIFY_X509_PARTIAL_CHAIN', 0)
_PRIVATE_KEY = re.compile(rb'-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----')
_ENCRYPTED = re.compile(rb'-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED')
# All authorities of a system together are smaller.
_MOST_BYTES = 8 * 2**20
_MISMATCHES = ('KEY_VALUES_MISMATCH', 'KEY_TYPE_MISMATCH', 'NO_CERTIFICATE_ASSIGNED')


class Loaded(NamedTuple):
    """What was read.

    Attributes
    ----------
    context
        For handshakes.
    validities
        Of the certificate, and of those of its chain.
    """

    context: TLSContext
    validities: list[Validity]


class File(NamedTuple):
    """One of the files.

    Attributes
    ----------
    said
        Where its path was given, for messages.
    path
        In the file system.
    """

    said: str
    path: str

    def __str__(self) -> str:
        return f'{self.said} {self.path!r}'


@dataclass(frozen=True)
class TLSFiles:
    """Where a certificate is.

    Attributes
    ----------
    cert
        The certificate, and its chain.
    key
        Its key; None where this is in the same file.
    client_ca
        Authorities, one of which has signed the certificate of each client; None for clients
        without one.
    """

    cert: File
    key: Optional[File] = None
    client_ca: Optional[File] = None

    @property
    def paths(self) -> list[str]:
        """Of all that are given."""
        return [file.path for file in self._given]

    def load(self) -> Loaded:
        """Read them.

        Raises
        ------
        UsageError
            They cannot be used.
        """
        contents = {file: _contents(file) for file in self._given}
        found = _validities(self.cert, contents[self.cert])
        self._check_key(contents[self.key or self.cert])
        context = _context()
        self._load_chain(context)
        if self.client_ca is not None:
            _validities(self.client_ca, contents[self.client_ca])
            self._load_authorities(context, self.client_ca)
        return Loaded(context, found)

    @property
    def _given(self) -> list[File]:
        return [file for file in (self.cert, self.key, self.client_ca) if file is not None]

    def _check_key(self, content: bytes) -> None:
        file = self.key or self.cert
        if _ENCRYPTED.search(content):
            raise UsageError(f'{file} has a key that is encrypted: write it without its passphrase '
                             f'(openssl pkey -in {file.path} -out FILE)')
        if _PRIVATE_KEY.search(content):
            return
        if self.key is None:
            raise UsageError(f'{file} has no private key beside the certificate: give the file of '
                             'the key with --tls-key')
        raise UsageError(f'{file} holds no private key in PEM (-----BEGIN PRIVATE KEY-----): give '
                         f'the key of {self.cert}')

    def _load_chain(self, context: TLSContext) -> None:
        key = self.key or self.cert
        try:
            context.load_cert_chain(self.cert.path, key.path, _no_password)
        except ssl.SSLError as error:
            if error.reason in _MISMATCHES:
                raise UsageError(f'{key} is not the key of the certificate in {self.cert}: give '
                                 'the two that belong together; with a chain, the certificate of '
                                 'the server comes first') from error
            raise UsageError(f'{self.cert} and its key cannot be used ({_told(error)}): openssl '
                             f'x509 -in {self.cert.path} and openssl pkey -in {key.path} tell '
                             'which of them is broken') from error
        except OSError as error:
            raise _unreadable(self.cert, error) from error

    def _load_authorities(self, context: TLSContext, file: File) -> None:
        try:
            context.load_verify_locations(file.path)
        except ssl.SSLError as error:
            raise UsageError(f'{file} cannot be used ({_told(error)}): give a PEM file of the '
                             'authorities that sign the certificates of clients') from error
        except OSError as error:
            raise _unreadable(file, error) from error
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= _PARTIAL_CHAIN


def _context() -> TLSContext:
    """Without a certificate."""
    context = TLSContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(_PROTOCOLS)
    context.options |= _OPTIONS
    return context


def _contents(file: File) -> bytes:
    try:
        # A pipe could be read once, or never.
        mode = os.stat(file.path).st_mode
        if stat.S_ISDIR(mode):
            raise UsageError(f'{file} is a folder: give a PEM file')
        if not stat.S_ISREG(mode):
            raise UsageError(f'{file} is no regular file: give one, which is read again when it '
                             'changes')
        with open(file.path, 'rb') as opened:
            content = opened.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from error
    if len(content) > _MOST_BYTES:
        raise UsageError(f'{file} is too large for a PEM file')
    return content


def _validities(file: File, content: bytes) -> list[Validity]:
    try:
        blocks = pem_blocks(content)
    except ValueError as error:
        raise UsageError(f'{file}: {error}; write it again') from error
    try:
        found = validities(content)
    except ValueError as error:
        raise UsageError(f'{file} holds a certificate that is broken ({error}): write it again'
                         ) from error
    if not found:
        raise UsageError(f'{file} {_what_it_is(content, blocks, file.path)}')
    return found


def _what_it_is(content: bytes, blocks: Sequence[PEMBlock], path: str) -> str:
    """Of a file without a certificate in PEM, and how to mend it."""
    if not content.strip():
        return 'is empty: give a certificate in PEM'
    if any('PRIVATE KEY' in block.label for block in blocks):
        return ('holds a private key and no certificate: give a certificate here, and a key with '
                '--tls-key')
    if blocks:
        return f'holds no certificate, but a block {blocks[0].label}: give a certificate in PEM'
    if _is_text(content):
        return ('is a text without a certificate in PEM (-----BEGIN CERTIFICATE-----): give a file '
                'that has one')
    return ('holds no certificate in PEM (-----BEGIN CERTIFICATE-----); one in DER becomes so by: '
            f'openssl x509 -inform der -in {path}')


def _is_text(content: bytes) -> bool:
    try:
        return '\0' not in content.decode()
    except UnicodeDecodeError:
        return False


def _unreadable(file: File, error: Exception) -> UsageError:
    reason = getattr(error, 'strerror', None) or str(error)
    return UsageError(f'{file} cannot be read: {reason}; give a PEM file that the user of the '
                      'server may read')


def _no_password() -> str:
    """Called for a key that is encrypted, instead of asking at the terminal."""
    raise UsageError('the key is encrypted: write it without its passphrase')


def _told(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace('_', ' ').lower()

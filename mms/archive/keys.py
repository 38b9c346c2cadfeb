"""Ed25519 keys: the private one that signs archives, and the public ones that are trusted.

The package `cryptography` is imported when a key is read: most servers have none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from shlex import quote
from typing import Any, NamedTuple

from mms.archive.json_file import os_reason
from mms.archive.signed_digest import SignedDigest, signed_bytes
from mms.errors import KeyFileError, MissingExtraError, UntrustedError
from mms.runtime.pem import PEMBlock, pem_blocks

# Hundreds of public keys fit.
_MOST_BYTES = 1024**2
_MAKE_ONE = 'make one with openssl genpkey -algorithm ed25519'
_OPENSSH = b'OPENSSH PRIVATE KEY'
_OPENSSH_PUBLIC = b'ssh-ed25519 '
# ssh-keygen does it for keys of other kinds alone. The key is the last 32 bytes, and what DER has
# before it is always the same (RFC 8410).
_TO_PEM = (r"(printf '0*0\5\6\3+ep\3!\0'; cut -d' ' -f2 {} | base64 -d | tail -c 32) | "
           'openssl pkey -pubin -inform DER')
# How messages call the file of a private key.
_KEY_FILE = 'the key file'
# Of the digest of a key, in messages.
SHOWN_DIGITS = 16


class PrivateKey:
    """A key that signs archives.

    Parameters
    ----------
    path
        A PEM file of it: PKCS8, as ``openssl genpkey`` writes it, or as ``ssh-keygen`` does.

    Raises
    ------
    KeyFileError
        The file cannot be read, or holds no Ed25519 key that is not encrypted.
    MissingExtraError
        `cryptography` is not installed.
    """

    def __init__(self, path: str) -> None:
        crypto = _Crypto.imported()
        data = _read(path, _KEY_FILE)
        try:
            self._key = _private(data, crypto)
        except TypeError:
            how = (f"ssh-keygen -p -N '' -f {quote(path)} leaves it" if _OPENSSH in data else
                   f'openssl pkey -in {quote(path)} -out OTHER writes it')
            raise KeyFileError(f'{_KEY_FILE} {path!r} is encrypted: give it without a password, '
                               f'as {how}') from None
        except (ValueError, crypto.unsupported):
            raise KeyFileError(f'{_KEY_FILE} {path!r} holds no private key in PEM: {_MAKE_ONE} '
                               '-out KEY') from None
        if not isinstance(self._key, crypto.private):
            raise KeyFileError(f'{_KEY_FILE} {path!r} is no Ed25519 key: {_MAKE_ONE} -out KEY')
        self._id = _id_of(self._key.public_key(), crypto)

    def sign(self, sha256: str) -> SignedDigest:
        """The signature of an archive with this SHA-256 in hex."""
        return SignedDigest(sha256, self._id, self._key.sign(signed_bytes(sha256)))


class PublicKeys:
    """Keys whose signatures count.

    Parameters
    ----------
    path
        A file of them, one PEM block after the other, as ``openssl pkey -pubout`` writes them.
    said
        Where the path was given, for messages.

    Raises
    ------
    KeyFileError
        The file cannot be read, holds no key, or something else beside Ed25519 public keys.
    MissingExtraError
        `cryptography` is not installed.
    """

    def __init__(self, path: str, said: str) -> None:
        self._path = path
        self._said = said
        self._keys = self._read()

    def __len__(self) -> int:
        return len(self._keys)

    def reload(self) -> None:
        """Read the file again; may block.

        Raises
        ------
        KeyFileError
            It cannot be used; the keys stay as they were.
        """
        self._keys = self._read()

    def verify(self, signed: SignedDigest, where: str) -> None:
        """See that one of these keys has signed what a signature file, `where`, says.

        Raises
        ------
        UntrustedError
        """
        key = self._keys.get(signed.key)
        if key is None:
            raise UntrustedError(f'{where} is made with a key that is not trusted, '
                                 f'{signed.key[:SHOWN_DIGITS]!r}: {self._said} has another')
        try:
            key.verify(signed.signature, signed_bytes(signed.sha256))
        except (_Crypto.imported().invalid, UnicodeEncodeError):
            raise UntrustedError(f'{where} is forged or broken: the key '
                                 f'{signed.key[:SHOWN_DIGITS]!r} did not make it') from None

    def _read(self) -> Mapping[str, Any]:
        crypto = _Crypto.imported()
        found = {}
        data = _read(self._path, self._said)
        for number, block in enumerate(self._blocks(data), 1):
            if 'PRIVATE' in block.label:
                raise KeyFileError(f'{self._said} {self._path!r} holds a private key, which must '
                                   'not lie on a server: openssl pkey -pubout makes the public '
                                   'one of it')
            try:
                key = crypto.serialization.load_pem_public_key(block.text)
            except (ValueError, crypto.unsupported):
                key = None
            if not isinstance(key, crypto.public):
                raise KeyFileError(f'{self._said} {self._path!r}: block {number} is no Ed25519 '
                                   'public key')
            found[_id_of(key, crypto)] = key
        if not found and data.startswith(_OPENSSH_PUBLIC):
            raise KeyFileError(f'{self._said} {self._path!r} is a public key of OpenSSH: make PEM '
                               f'of it with {_TO_PEM.format(quote(self._path))}')
        if not found:
            raise KeyFileError(f'{self._said} {self._path!r} holds no public key in PEM: openssl '
                               'pkey -in KEY -pubout makes one of a private key')
        return found

    def _blocks(self, data: bytes) -> list[PEMBlock]:
        try:
            return pem_blocks(data)
        except ValueError:
            raise KeyFileError(f'{self._said} {self._path!r} has a block that is cut off: one '
                               'begins, and does not end as it begins') from None


class _Crypto(NamedTuple):
    """What is used of `cryptography`."""

    serialization: Any
    private: Any
    public: Any
    invalid: type[Exception]
    unsupported: type[Exception]

    @classmethod
    def imported(cls) -> _Crypto:
        try:
            from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
            from cryptography.hazmat.primitives import serialization
            from cryptography.hazmat.primitives.asymmetric import ed25519
        except ImportError as exc:
            raise MissingExtraError('signatures of archives', 'sign') from exc
        return cls(serialization, ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey,
                   InvalidSignature, UnsupportedAlgorithm)


def _private(data: bytes, crypto: _Crypto) -> Any:
    load = (crypto.serialization.load_ssh_private_key if _OPENSSH in data else
            crypto.serialization.load_pem_private_key)
    try:
        return load(data, password=None)
    except ValueError as error:
        # An encrypted OpenSSH key, of which PKCS8 has a TypeError.
        if 'password' in str(error).lower():
            raise TypeError from error
        raise


def _id_of(key: Any, crypto: _Crypto) -> str:
    der = key.public_bytes(crypto.serialization.Encoding.DER,
                           crypto.serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _read(path: str, said: str) -> bytes:
    try:
        with open(path, 'rb') as file:
            data = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as exc:
        reason = os_reason(exc) if isinstance(exc, OSError) else str(exc)
        raise KeyFileError(f'{said} {path!r} cannot be read: {reason}; give a PEM file that '
                           'may be read here') from exc
    if len(data) > _MOST_BYTES:
        raise KeyFileError(f'{said} {path!r} has more than {_MOST_BYTES} bytes: it is no file of '
                           'keys')
    return data

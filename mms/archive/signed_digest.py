"""``NAME.model.sig``: a detached Ed25519 signature over the digest of an archive.

It is a JSON object::

    {"algorithm": "Ed25519", "sha256": DIGEST, "key": KEY, "signature": SIGNATURE}

DIGEST is the SHA-256 of the archive's bytes in hex, KEY that of the public key in DER
(SubjectPublicKeyInfo), and SIGNATURE is in base64. What is signed is :func:`signed_bytes`.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, NamedTuple

from mms.archive.json_file import brief
from mms.errors import UntrustedError

SIGNATURE_SUFFIX = '.sig'
ALGORITHM = 'Ed25519'
# It has 300.
SIGNATURE_FILE_BYTES = 4096
# A signature of an archive is valid for nothing else that the key may sign.
_CONTEXT = b'mxnet-model-server archive v1\n'
_FIELDS = ('algorithm', 'sha256', 'key', 'signature')


class SignedDigest(NamedTuple):
    """What a signature file says; none of it is true before it is verified.

    Attributes
    ----------
    sha256
        Digest of the archive, in hex.
    key
        Digest of the public key, in hex.
    signature
        64 bytes.
    """

    sha256: str
    key: str
    signature: bytes

    def to_bytes(self) -> bytes:
        """The contents of a signature file."""
        fields = {'algorithm': ALGORITHM, 'sha256': self.sha256, 'key': self.key,
                  'signature': base64.b64encode(self.signature).decode('ascii')}
        return (json.dumps(fields, indent=4) + '\n').encode('ascii')

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> SignedDigest:
        """What a file says that is called `where`.

        Raises
        ------
        UntrustedError
            It is no signature file.
        """
        fields = _fields(data, where)
        if fields['algorithm'] != ALGORITHM:
            raise UntrustedError(f"{where}: its algorithm is {brief(repr(fields['algorithm']))}, "
                                 f'and not {ALGORITHM}')
        try:
            signature = base64.b64decode(fields['signature'].encode('ascii'), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise _no_signature(where) from None
        return cls(fields['sha256'], fields['key'], signature)


def signed_bytes(sha256: str) -> bytes:
    """What is signed for an archive with this digest in hex: a line of its own, then the digest."""
    return _CONTEXT + sha256.encode('ascii')


def _fields(data: bytes, where: str) -> dict[str, str]:
    try:
        fields: Any = json.loads(data) if len(data) <= SIGNATURE_FILE_BYTES else None
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or not all(isinstance(fields.get(name), str)
                                               for name in _FIELDS):
        raise _no_signature(where)
    return fields


def _no_signature(where: str) -> UntrustedError:
    return UntrustedError(f'{where} is no signature of an archive: make one with '
                          'mxnet-model-export --sign KEY --archive FILE')

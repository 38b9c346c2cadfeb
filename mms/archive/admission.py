"""What an archive must be before it is read: the one that was meant, signed by who is trusted.

What is checked is a private copy, or a download, and this very file is extracted: a file that
somebody else may write to can change while it is read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Hashable
from dataclasses import dataclass
from typing import BinaryIO, Optional

from mms.archive.contents import contents_of
from mms.archive.extraction import LimitedReader, check_room, opened_file
from mms.archive.fetch import NO_MORE, fetch
from mms.archive.json_file import os_reason
from mms.archive.keys import PublicKeys
from mms.archive.limits import DownloadLimits
from mms.archive.location import Location
from mms.archive.signed_digest import SIGNATURE_FILE_BYTES, SIGNATURE_SUFFIX, SignedDigest
from mms.errors import ArchiveError, FetchError, UntrustedError

_READ_BYTES = 1024**2
_REQUIRE = '--require-signed'


@dataclass(frozen=True)
class Admission:
    """What a server asks of every archive.

    Attributes
    ----------
    keys
        One of them must have signed it; None where no signature is asked for.
    limits
        What a download may cost.
    copies_folders
        Whether a folder is copied before it is served, and need not be a whole archive.
    """

    keys: Optional[PublicKeys] = None
    limits: DownloadLimits = NO_MORE
    copies_folders: bool = False

    def check_folder(self, location: Location) -> None:
        """Refuse a folder where something is asked for: it has neither digest nor signature.

        Raises
        ------
        UntrustedError
        """
        if location.digest is not None:
            raise UntrustedError(f'{location} is a folder, which has no digest: #sha256= goes '
                                 'with an archive')
        if self.keys is not None:
            raise UntrustedError(f'{location} is a folder, which has no signature: {_REQUIRE} '
                                 'serves archives alone; make one with mxnet-model-export --sign '
                                 'KEY')

    def signed_digest(self, location: Location, into: str) -> Optional[SignedDigest]:
        """What somebody trusted has signed of the archive at `location`; None where nobody has to.

        The signature is fetched into the folder `into`.

        Raises
        ------
        UntrustedError
        """
        if self.keys is None:
            return None
        beside = location.beside(SIGNATURE_SUFFIX)
        limits = self.limits._replace(most_bytes=SIGNATURE_FILE_BYTES, said='a signature has 300')
        try:
            path = fetch(beside, into, limits=limits)
            with opened_file(path, str(beside), location.is_real, may_be_empty=True) as stream:
                data = stream.read(SIGNATURE_FILE_BYTES + 1)
        except (FetchError, ArchiveError) as exc:
            raise UntrustedError(f'{location} is not signed, as {_REQUIRE} asks for: {exc}'
                                 ) from exc
        signed = SignedDigest.from_bytes(data, str(beside))
        self.keys.verify(signed, str(beside))
        return signed

    def look_into(self, path: str) -> Optional[Hashable]:
        """What tells one archive on this machine from another; None where it is not whole.

        Where it must be signed, nothing of it is read before it is: it is whole when its signature
        fits.

        Raises
        ------
        OSError
            The file cannot be read.
        """
        if self.keys is None:
            return contents_of(path)
        location = Location.parse(path)
        try:
            signed = self.signed_digest(location, '')
            with opened_file(path, path) as stream:
                found = digest_of(stream)
            check_digest(found, location, signed)
        except UntrustedError:
            return None
        except ArchiveError as exc:
            if isinstance(exc.__cause__, OSError):
                raise exc.__cause__ from None
            return None
        return found


def check_digest(found: str, location: Location, signed: Optional[SignedDigest]) -> None:
    """See that an archive with this SHA-256 in hex is the one that was meant, and signed.

    Raises
    ------
    UntrustedError
    """
    if location.digest not in (None, found):
        raise UntrustedError(f'{location} is another archive: its SHA-256 is {found}, and '
                             f'#sha256= says {location.digest}')
    if signed is not None and signed.sha256 != found:
        raise UntrustedError(f'{location} is not what was signed: its SHA-256 is {found}, and '
                             f'its signature says {signed.sha256}')


def digest_of(stream: BinaryIO, copy: Optional[BinaryIO] = None) -> str:
    """The SHA-256 of a file in hex; what is read of it is written to `copy`."""
    digest = hashlib.sha256()
    while data := stream.read(_READ_BYTES):
        digest.update(data)
        if copy is not None:
            copy.write(data)
    return digest.hexdigest()


def private_copy(stream: LimitedReader, path: str, where: str) -> str:
    """Copy an archive to `path`; the SHA-256 of the copy in hex.

    Raises
    ------
    ArchiveError
        There is no room for it.
    """
    size = os.fstat(stream.fileno()).st_size
    check_room(size, os.path.dirname(path), f'{where} needs {size} bytes to be checked')
    try:
        with open(path, 'xb') as copy:
            return digest_of(stream, copy)
    except OSError as exc:
        raise ArchiveError(f'{where} cannot be copied to be checked: {os_reason(exc)}') from exc

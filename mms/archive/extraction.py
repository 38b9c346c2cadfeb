"""Extract the zip of an archive, which may be hostile: its members, flattened, and nothing else."""

from __future__ import annotations

import errno
import io
import lzma
import ntpath
import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Optional

from mms.archive.decompression import contents
from mms.archive.json_file import brief, os_reason
from mms.archive.limits import DIRECTORY_BYTES, MANIFEST_BYTES, check_bytes
from mms.archive.manifest import MANIFEST_FILE
from mms.errors import ArchiveError, ManifestError

# A model has tens of files; this bounds what a hostile archive costs in inodes.
MAX_MEMBERS = 10_000
# Deflate packs zeros about 1000:1; weights, even half zeros, stay under 10:1. Stored archives,
# the usual kind, are 1:1 whatever their size.
MAX_RATIO = 100
# Below this total the ratio does not matter: small archives may hold repetitive text.
ALWAYS_ALLOWED_BYTES = 1024**3
_ENCRYPTED = 0x1
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error,
              NotImplementedError, RuntimeError, ValueError, OverflowError, MemoryError)


class LimitedReader(io.BufferedReader):
    """A file of which nobody reads much at once: `zipfile` reads the list of the members whole,
    and makes an object of each.

    Parameters
    ----------
    path
        The file; of a FIFO, which may have come in its place, nobody waits for what is written.
    is_real
        Whether its path leads through no link, and it is not to be opened if it does now.
    """

    def __init__(self, path: str, is_real: bool = False) -> None:
        super().__init__(io.FileIO(path, opener=_open_real if is_real else _open_at_once))

    def read(self, size: Optional[int] = -1, /) -> bytes:
        """At most :data:`DIRECTORY_BYTES`."""
        most = DIRECTORY_BYTES + 1
        data = super().read(most if size is None or size < 0 else min(size, most))
        if len(data) == most:
            raise zipfile.BadZipFile('the list of its members is too long')
        return data


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _open_real(path: str, flags: int) -> int:
    """Folder by folder, none of them a link."""
    *folders, name = os.path.abspath(path).strip(os.sep).split(os.sep)
    at = os.open(os.sep, os.O_PATH | os.O_DIRECTORY)
    try:
        for folder in folders:
            inner = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = inner
        return os.open(name, flags | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=at)
    finally:
        os.close(at)


@contextmanager
def opened_file(path: str, where: str, is_real: bool = False,
                may_be_empty: bool = False) -> Iterator[LimitedReader]:
    """The archive at `path`, or what is beside it, open; parameters as of
    :class:`LimitedReader`.

    Raises
    ------
    ArchiveError
        It is missing, empty, no file, cannot be opened, or has a link in its path.
    """
    # Of a device nobody knows what opening it does.
    if os.path.exists(path) and not os.path.isfile(path):
        raise ArchiveError(f'{where} is neither a file nor a folder')
    try:
        stream = LimitedReader(path, is_real)
    except OSError as exc:
        raise ArchiveError(_not_opened(exc, where, is_real)) from exc
    except ValueError as exc:  # NUL in the name
        raise ArchiveError(f'{where}: no such file or folder') from exc
    with stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ArchiveError(f'{where} is neither a file nor a folder')
        if not found.st_size and not may_be_empty:
            raise ArchiveError(f'{where} is empty, not a model archive')
        yield stream


def _not_opened(exc: OSError, where: str, is_real: bool) -> str:
    if exc.errno in (errno.ENOENT, errno.ENAMETOOLONG):
        return f'{where}: no such file or folder'
    if is_real and exc.errno in (errno.ELOOP, errno.ENOTDIR):
        return f'{where} is a link, or has become one, and is not opened'
    return f'{where} cannot be read: {os_reason(exc)}'


def extract(archive_path: str, into: str) -> None:
    """Extract the zip at `archive_path` into the new folder `into`, flattened.

    Members keep only their base name. On failure `into` is removed again.

    Raises
    ------
    ArchiveError
        The file is missing, empty, broken or no zip; two members have one name;
        a member is encrypted or no regular file; the contents are too large.
    """
    with opened_file(archive_path, archive_path) as stream:
        extract_stream(stream, into, archive_path)


def check_zip(stream: LimitedReader, where: str) -> None:
    """See that an archive is a zip, and not half of one.

    Raises
    ------
    ArchiveError
    """
    with _translated(stream, where), zipfile.ZipFile(stream):
        stream.seek(0)


def extract_stream(stream: LimitedReader, into: str, where: str) -> None:
    """The same of an archive that is open, and is called `where` in messages.

    Raises
    ------
    ArchiveError
    """
    with _translated(stream, where):
        os.mkdir(into)
        try:
            with zipfile.ZipFile(stream) as archive:
                members = _flatten(archive, where)
                size = os.fstat(stream.fileno()).st_size
                _check_size(list(members.values()), size, into, where)
                _copy_members(archive, members, into)
        except BaseException:
            shutil.rmtree(into, ignore_errors=True)
            raise


@contextmanager
def _translated(stream: LimitedReader, where: str) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as exc:
        raise ArchiveError(_unreadable_message(stream, where, exc)) from exc
    except OSError as exc:
        if exc.errno is None:  # what bz2 raises over a corrupt stream
            raise ArchiveError(_unreadable_message(stream, where, exc)) from exc
        raise ArchiveError(f'{where} cannot be extracted: {os_reason(exc)}') from exc


def _unreadable_message(stream: LimitedReader, where: str, exc: Exception) -> str:
    stream.seek(0)
    if stream.read(2) != b'PK':
        return f'{where} is not a model archive: it is not a zip file'
    lines = str(exc).splitlines()
    reason = brief(lines[0]) if lines else type(exc).__name__
    return f'{where} is a broken or truncated archive ({reason}): export or download it again'


def _flatten(archive: zipfile.ZipFile, where: str) -> dict[str, zipfile.ZipInfo]:
    """Base name -> member; drive letters, folders and ``..`` all fall away."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = ntpath.basename(info.filename)
        if not name:
            continue
        _check_member(info, name, where)
        if name == MANIFEST_FILE:
            check_bytes(info.file_size, MANIFEST_BYTES, f'{where}: {name}', ManifestError)
        other = members.setdefault(name, info)
        if other is not info and not _same_manifest(other, info):
            raise ArchiveError(f'{where}: two members have the name {brief(repr(name))}: '
                               f'{brief(repr(other.filename))} and {brief(repr(info.filename))}')
    return members


def _same_manifest(one: zipfile.ZipInfo, other: zipfile.ZipInfo) -> bool:
    # MMS 0.2 to 0.4 wrote MANIFEST.json twice when the exported folder already held one.
    return one.filename == other.filename == MANIFEST_FILE and (
        (one.CRC, one.file_size) == (other.CRC, other.file_size))


def _check_member(info: zipfile.ZipInfo, name: str, where: str) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if name in ('.', '..'):
        raise ArchiveError(f'{where}: member {brief(repr(info.filename))} has no usable name')
    if kind not in (0, stat.S_IFREG):
        raise ArchiveError(f'{where}: member {brief(repr(info.filename))} is a link or a special '
                           'file, not a regular one')
    if info.flag_bits & _ENCRYPTED:
        raise ArchiveError(f'{where}: member {brief(repr(info.filename))} is encrypted: '
                           'make the archive without a password')


def _check_size(
    members: list[zipfile.ZipInfo], archive_bytes: int, into: str, where: str
) -> None:
    if len(members) > MAX_MEMBERS:
        raise ArchiveError(f'{where} has {len(members)} members; {MAX_MEMBERS} are allowed')
    total = sum(info.file_size for info in members)
    packed = sum(info.compress_size for info in members)
    if packed > archive_bytes or total > max(ALWAYS_ALLOWED_BYTES, MAX_RATIO * archive_bytes):
        raise ArchiveError(f'{where} is refused as a zip bomb: {archive_bytes} bytes '
                           f'claim to hold {total}')
    check_room(total, into, f'{where} needs {_gb(total)} to be extracted')


def check_room(needed: int, folder: str, what: str) -> None:
    """See that the disk of a folder has as many bytes left.

    Raises
    ------
    ArchiveError
        It begins with `what`.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ArchiveError(f'{what}, and {folder} has {_gb(free)} free: set TMPDIR to a larger '
                           'disk')


def _gb(count: int) -> str:
    return f'{count / 1e9:.2f} GB'


def _copy_members(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], into: str
) -> None:
    for name, info in members.items():
        # 'x': on a file system that ignores letter case, A and a are one name.
        with open(os.path.join(into, name), 'xb') as target:
            target.writelines(contents(archive, info))

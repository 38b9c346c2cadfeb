"""Write a model archive: whole or not at all, and the same bytes each time."""

from __future__ import annotations

import logging
import ntpath
import os
import stat
import sys
import zipfile
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Optional, Union

from mms.archive.admission import digest_of
from mms.archive.extraction import check_zip, opened_file
from mms.archive.json_file import os_reason
from mms.archive.keys import PrivateKey
from mms.archive.manifest import MANIFEST_FILE
from mms.archive.new_file import NewFile, new_file
from mms.archive.progress import byte_bar, rename
from mms.archive.signed_digest import SIGNATURE_SUFFIX
from mms.errors import ExportError
from mms.runtime.streams import is_terminal

if TYPE_CHECKING:
    from tqdm import tqdm

# A member's source: the path of a file, or its contents.
MemberSource = Union[str, bytes]

# Copying less takes a moment only.
PROGRESS_FROM_BYTES = 16 * 1024**2
_COPY_BYTES = 1024**2
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_MODE = stat.S_IFREG | 0o644
_UNIX = 3
_SKIPPED_FOLDER = '__pycache__'

logger = logging.getLogger(__name__)


def collect(model_dir: str) -> dict[str, MemberSource]:
    """Member name -> path of everything in `model_dir`, sub-folders included, flattened.

    ``__pycache__`` and an old ``MANIFEST.json`` stay out; a link counts if it
    leads to a file.

    Raises
    ------
    ExportError
        Two files have one name, or something is neither a file nor a folder.
    """
    members: dict[str, MemberSource] = {}
    try:
        for folder, subfolders, names in os.walk(model_dir, onerror=_raise):
            subfolders[:] = sorted(_entered(folder, subfolders))
            for name in sorted(names):
                _collect_file(members, name, os.path.join(folder, name))
    except OSError as exc:
        raise ExportError(f'{exc.filename or model_dir} cannot be read: {os_reason(exc)}') from exc
    return members


def _raise(error: OSError) -> None:
    raise error


def _entered(folder: str, subfolders: list[str]) -> Iterator[str]:
    for name in subfolders:
        path = os.path.join(folder, name)
        if os.path.islink(path):
            logger.warning('%s is a link to a folder and stays out of the archive', path)
        elif name != _SKIPPED_FOLDER:
            yield name


def _collect_file(members: dict[str, MemberSource], name: str, path: str) -> None:
    if name == MANIFEST_FILE:
        logger.info('%s is left out: the archive gets a new one', path)
        return
    if not os.path.exists(path):
        raise ExportError(f'{path} is a link to a file that does not exist')
    if not os.path.isfile(path):
        raise ExportError(f'{path} is neither a file nor a folder: remove it from the model '
                          'directory')
    add_member(members, name, path)


def add_member(members: dict[str, MemberSource], name: str, source: MemberSource) -> None:
    """Add one member.

    Raises
    ------
    ExportError
        The name is taken, or cannot stand in a zip.
    """
    if ntpath.basename(name) != name:
        raise ExportError(f'{source!r}: a file name in an archive cannot hold a backslash or a '
                          'drive letter')
    if name in members:
        raise ExportError(f'Two files have the name {name} and would be one in the archive: '
                          f'{_describe(members[name])} and {_describe(source)}')
    members[name] = source


def _describe(source: MemberSource) -> str:
    return source if isinstance(source, str) else 'the one that mxnet-model-export adds'


def write_archive(
    members: Mapping[str, MemberSource], path: str, key: Optional[PrivateKey] = None,
    replace: bool = False
) -> None:
    """Write the zip `path` of `members`, stored, in the order of their names.

    The bytes depend on nothing but names and contents. Nothing is left behind on failure.

    Parameters
    ----------
    key
        Signs the archive: the signature is beside it, and is there first.
    replace
        Whether it may take the place of a file, once it is whole.

    Raises
    ------
    ExportError
        `path` exists or cannot be written, or a file cannot be read.
    """
    try:
        with new_file(path) as archive:
            _write_members(members, archive.stream)
            if key is None:
                archive.publish(replace)
            else:
                _publish_signed(archive, path, key, replace)
    except UnicodeEncodeError as exc:
        raise ExportError(f'{exc.object!r}: a file name in an archive must be UTF-8') from exc
    except OSError as exc:
        raise ExportError(f'{exc.filename or path}: the archive cannot be made: {os_reason(exc)}'
                          ) from exc


def _publish_signed(archive: NewFile, path: str, key: PrivateKey, replace: bool) -> None:
    archive.stream.seek(0)
    signature = key.sign(digest_of(archive.stream)).to_bytes()
    with new_file(path + SIGNATURE_SUFFIX) as beside:
        beside.stream.write(signature)
        beside.publish(replace)
    try:
        archive.publish(replace)
    except BaseException:
        os.unlink(path + SIGNATURE_SUFFIX)
        raise


def sign_archive(path: str, key_path: str) -> str:
    """Sign an archive that is there; the path of the signature, which replaces an older one.

    Parameters
    ----------
    path
        The archive.
    key_path
        PEM file of an Ed25519 private key.

    Raises
    ------
    ArchiveError
        The archive cannot be read, or is none.
    ExportError
        It is a folder, or the signature cannot be written.
    KeyFileError
        The key cannot be used.
    MissingExtraError
        `cryptography` is not installed.
    """
    key = PrivateKey(key_path)
    if os.path.isdir(path):
        raise ExportError(f'{path} is a folder: make an archive of it, which can be signed')
    with opened_file(path, path) as stream:
        check_zip(stream, path)
        signed = key.sign(digest_of(stream))
    signature = path + SIGNATURE_SUFFIX
    try:
        with new_file(signature) as beside:
            beside.stream.write(signed.to_bytes())
            beside.publish(replace=True)
    except OSError as exc:
        raise ExportError(f'{signature}: the signature cannot be made: {os_reason(exc)}') from exc
    return signature


def _write_members(members: Mapping[str, MemberSource], stream: BinaryIO) -> None:
    total = sum(_size(source) for source in members.values())
    shown = total >= PROGRESS_FROM_BYTES and is_terminal(sys.stderr)
    with byte_bar(total, shown) as bar, \
            zipfile.ZipFile(stream, 'w', zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            rename(bar, name)
            _write_member(archive, name, members[name], bar)


def _write_member(archive: zipfile.ZipFile, name: str, source: MemberSource,
                  bar: tqdm[Any]) -> None:
    info = zipfile.ZipInfo(name, _TIMESTAMP)
    info.external_attr = _MODE << 16
    info.create_system = _UNIX
    info.file_size = _size(source)
    # Decided here, since zipfile's own rule of thumb differs between Python versions.
    large = info.file_size >= zipfile.ZIP64_LIMIT
    with archive.open(info, 'w', force_zip64=large) as writing:
        for chunk in _chunks(source):
            writing.write(chunk)
            bar.update(len(chunk))


def _chunks(source: MemberSource) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    try:
        with open(source, 'rb') as reading:
            yield from iter(lambda: reading.read(_COPY_BYTES), b'')
    except OSError as exc:
        raise ExportError(f'{source} cannot be read: {os_reason(exc)}') from exc


def _size(source: MemberSource) -> int:
    return os.path.getsize(source) if isinstance(source, str) else len(source)

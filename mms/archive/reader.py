"""Open a model archive, wherever it lies, for serving."""

from __future__ import annotations

import io
import lzma
import ntpath
import os
import re
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Optional

from mms.archive.fetch import fetch
from mms.archive.json_file import brief, os_reason
from mms.archive.limits import DIRECTORY_BYTES, MANIFEST_BYTES, check_bytes
from mms.archive.location import Location
from mms.archive.manifest import MANIFEST_FILE, read_manifest
from mms.archive.params_file import check_params
from mms.archive.signature import read_signature
from mms.errors import ArchiveError, ManifestError

# A model has tens of files; this bounds what a hostile archive costs in inodes.
MAX_MEMBERS = 10_000
# Deflate packs zeros about 1000:1; weights, even half zeros, stay under 10:1. Stored archives,
# the usual kind, are 1:1 whatever their size.
MAX_RATIO = 100
# Below this total the ratio does not matter: small archives may hold repetitive text.
ALWAYS_ALLOWED_BYTES = 1024**3
_COPY_BYTES = 1024**2
_ENCRYPTED = 0x1
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error,
               NotImplementedError, RuntimeError, ValueError, OverflowError, MemoryError)
_ONNX_SUFFIXES = ('.onnx', '.pb2')


class LoadedModel(NamedTuple):
    """An archive that is ready to be served.

    Attributes
    ----------
    service_name
        The NAME of the command line, first segment of the endpoint.
    model_name
        The manifest's ``Model-Name``.
    model_dir
        The folder that holds the archive's files.
    """

    service_name: str
    model_name: str
    model_dir: str
    manifest: dict[str, Any]


def open_model(
    endpoint: str, location: Location, workspace: str, progress: bool = False
) -> LoadedModel:
    """Fetch, extract and check the archive at `location`.

    A folder is served in place and never written to. Anything else is extracted
    into a new private folder inside `workspace`; nothing is left there on failure.
    Safe to call from several threads at once.

    Parameters
    ----------
    endpoint
        NAME of the model's endpoint.
    location
        Of a ``.model`` file or a folder: a path, or a URL of a scheme that has a source.
    workspace
        Private folder of this server, on a disk with room for the archive.
    progress
        Show a progress bar while downloading.

    Raises
    ------
    ArchiveError
        The archive, its manifest or its signature cannot be used.
    FetchError
        The location could not be brought here.
    MissingExtraError
        The location needs an optional dependency.
    """
    with unpacked(endpoint, location, workspace, progress) as model_dir:
        return _check(endpoint, model_dir, location.redacted)


@contextmanager
def unpacked(
    endpoint: str, location: Location, workspace: str, progress: bool = False
) -> Iterator[str]:
    """Fetch and extract what lies at `location`; nothing in it is read.

    Yields its folder, which is removed again if the block raises, unless it is the user's.
    Takes and raises what :func:`open_model` does.
    """
    _refuse_onnx(location)
    if os.path.isdir(location.path):
        yield fetch(location, workspace, progress)
        return
    with _private_folder(endpoint, workspace, location.redacted) as private:
        local = fetch(location, os.path.join(private, 'download'), progress)
        if os.path.isdir(local):
            shutil.rmtree(private, ignore_errors=True)
            yield local
            return
        model_dir = os.path.join(private, 'model')
        _extract(local, model_dir, location.redacted)
        # A download is not needed any more: its contents are extracted.
        shutil.rmtree(os.path.join(private, 'download'), ignore_errors=True)
        yield model_dir


def extract(archive_path: str, into: str) -> None:
    """Extract the zip at `archive_path` into the new folder `into`, flattened.

    Members keep only their base name. On failure `into` is removed again.

    Raises
    ------
    ArchiveError
        The file is missing, empty, broken or no zip; two members have one name;
        a member is encrypted or no regular file; the contents are too large.
    """
    _extract(archive_path, into, archive_path)


def _refuse_onnx(location: Location) -> None:
    if location.redacted.lower().endswith(_ONNX_SUFFIXES) and not os.path.isdir(location.path):
        raise ArchiveError(f'{location} is an ONNX model: put it into a folder of its own with a '
                           'signature.json, and make an archive of it with mxnet-model-export '
                           '--model-name NAME --model-path DIR')


@contextmanager
def _private_folder(endpoint: str, workspace: str, where: str) -> Iterator[str]:
    prefix = re.sub(r'[^A-Za-z0-9_-]', '_', endpoint)[:40] + '-'
    try:
        folder = tempfile.mkdtemp(prefix=prefix, dir=workspace)
    except OSError as exc:
        raise ArchiveError(f'{where} cannot be extracted: no folder can be made in {workspace}: '
                           f'{os_reason(exc)}; set TMPDIR to another disk') from exc
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _check(endpoint: str, model_dir: str, where: str) -> LoadedModel:
    manifest = read_manifest(model_dir, where)
    name = manifest['Model']['Signature']
    read_signature(os.path.join(model_dir, name), f'{where}: {name}')
    params = manifest['Model'].get('Parameters')
    if params:
        check_params(os.path.join(model_dir, params), f'{where}: {brief(repr(params))}',
                     ArchiveError)
    return LoadedModel(endpoint, manifest['Model']['Model-Name'], model_dir, manifest)


def _extract(archive_path: str, into: str, where: str) -> None:
    _check_is_file(archive_path, where)
    with _translated(archive_path, where):
        os.mkdir(into)
        try:
            with LimitedReader(archive_path) as stream, zipfile.ZipFile(stream) as archive:
                members = _flatten(archive, where)
                _check_size(list(members.values()), os.path.getsize(archive_path), into, where)
                _copy_members(archive, members, into)
        except BaseException:
            shutil.rmtree(into, ignore_errors=True)
            raise


class LimitedReader(io.BufferedReader):
    """A file of which nobody reads much at once: `zipfile` reads the list of the members whole,
    and makes an object of each.
    """

    def __init__(self, path: str) -> None:
        super().__init__(io.FileIO(path, opener=_open_at_once))

    def read(self, size: Optional[int] = -1, /) -> bytes:
        """At most :data:`DIRECTORY_BYTES`."""
        most = DIRECTORY_BYTES + 1
        data = super().read(most if size is None or size < 0 else min(size, most))
        if len(data) == most:
            raise zipfile.BadZipFile('the list of its members is too long')
        return data


def _open_at_once(path: str, flags: int) -> int:
    """Also a FIFO, which may have come in the place of a file: nobody may ever write to it."""
    return os.open(path, flags | os.O_NONBLOCK)


@contextmanager
def _translated(archive_path: str, where: str) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as exc:
        raise ArchiveError(_unreadable_message(archive_path, where, exc)) from exc
    except OSError as exc:
        if exc.errno is None:  # what bz2 raises over a corrupt stream
            raise ArchiveError(_unreadable_message(archive_path, where, exc)) from exc
        raise ArchiveError(f'{where} cannot be extracted: {os_reason(exc)}') from exc


def _check_is_file(path: str, where: str) -> None:
    if not os.path.exists(path):
        raise ArchiveError(f'{where}: no such file or folder')
    if not os.path.isfile(path):
        raise ArchiveError(f'{where} is neither a file nor a folder')
    if os.path.getsize(path) == 0:
        raise ArchiveError(f'{where} is empty, not a model archive')


def _unreadable_message(path: str, where: str, exc: Exception) -> str:
    with open(path, 'rb') as stream:
        is_zip = stream.read(2) == b'PK'
    if not is_zip:
        return f'{where} is not a model archive: it is not a zip file'
    reason = brief(str(exc).splitlines()[0]) if str(exc) else type(exc).__name__
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
    free = shutil.disk_usage(into).free
    if total > free:
        raise ArchiveError(f'{where} needs {_gb(total)} to be extracted, and {into} has '
                           f'{_gb(free)} free: set TMPDIR to a larger disk')


def _gb(count: int) -> str:
    return f'{count / 1e9:.2f} GB'


def _copy_members(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], into: str
) -> None:
    for name, info in members.items():
        # 'x': on a file system that ignores letter case, A and a are one name.
        with archive.open(info) as source, open(os.path.join(into, name), 'xb') as target:
            shutil.copyfileobj(source, target, _COPY_BYTES)

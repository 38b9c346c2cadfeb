"""Open a model archive, wherever it lies, for serving."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Optional

from mms.archive.admission import Admission, check_digest, digest_of, private_copy
from mms.archive.extraction import LimitedReader, extract_stream, opened_file
from mms.archive.fetch import fetch
from mms.archive.json_file import brief, os_reason
from mms.archive.location import Location
from mms.archive.manifest import MANIFEST_FILE, read_manifest
from mms.archive.params_file import check_params
from mms.archive.plain_folder import copy_folder
from mms.archive.signature import read_signature
from mms.archive.signed_digest import SignedDigest
from mms.errors import ArchiveError, ManifestError

ANYTHING = Admission()
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
    endpoint: str, location: Location, workspace: str, progress: bool = False,
    admission: Admission = ANYTHING
) -> LoadedModel:
    """Fetch, extract and check the archive at `location`.

    A folder is served in place and never written to, unless the admission has it copied. Anything
    else is extracted into a new private folder inside `workspace`, where nothing is left on
    failure.
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
    admission
        What the archive must be before it is read.

    Raises
    ------
    ArchiveError
        The archive, its manifest or its signature cannot be used.
    FetchError
        The location could not be brought here.
    MissingExtraError
        The location needs an optional dependency.
    """
    with unpacked(endpoint, location, workspace, progress, admission) as model_dir:
        _check_whole(model_dir, location)
        return _check(endpoint, model_dir, location.redacted)


@contextmanager
def unpacked(
    endpoint: str, location: Location, workspace: str, progress: bool = False,
    admission: Admission = ANYTHING
) -> Iterator[str]:
    """Fetch, admit and extract what lies at `location`; nothing in it is read.

    Yields its folder, which is removed again if the block raises, unless it is the user's.
    Takes and raises what :func:`open_model` does.
    """
    _refuse_onnx(location)
    local = fetch(location, workspace) if location.is_local else ''
    if os.path.isdir(local):
        admission.check_folder(location)
        folder = _folder(local, location)
        if not admission.copies_folders:
            yield folder
            return
        with _private_folder(endpoint, workspace, location.redacted) as private:
            model_dir = os.path.join(private, 'model')
            os.mkdir(model_dir)
            copy_folder(folder, model_dir)
            yield model_dir
        return
    with _private_folder(endpoint, workspace, location.redacted) as private:
        model_dir = os.path.join(private, 'model')
        # A download is not needed any more when its contents are extracted.
        with _removed(os.path.join(private, 'download')) as downloads:
            signed = admission.signed_digest(location, downloads)
            path = local or fetch(location, downloads, progress, admission.limits)
            with _admitted(path, location, signed, downloads) as stream:
                extract_stream(stream, model_dir, location.redacted)
        yield model_dir


@contextmanager
def _removed(folder: str) -> Iterator[str]:
    os.mkdir(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _admitted(
    path: str, location: Location, signed: Optional[SignedDigest], downloads: str
) -> Iterator[LimitedReader]:
    """The archive at `path`, open: where it is checked, the very bytes that were."""
    where = location.redacted
    with opened_file(path, where, location.is_real) as stream:
        if signed is None and location.digest is None:
            yield stream
            return
        if os.path.dirname(path) == downloads:
            check_digest(digest_of(stream), location, signed)
            stream.seek(0)
            yield stream
            return
        copy = os.path.join(downloads, 'checked')
        check_digest(private_copy(stream, copy, where), location, signed)
    with opened_file(copy, where) as stream:
        yield stream


def _folder(path: str, location: Location) -> str:
    if location.is_real and os.path.realpath(path) != path:
        raise ArchiveError(f'{location} is a link, or has become one, and is not opened')
    return path


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


def _check_whole(model_dir: str, location: Location) -> None:
    """Tell whoever serves a folder that is no archive what to do."""
    if os.path.isdir(location.path) and not os.path.isfile(os.path.join(model_dir, MANIFEST_FILE)):
        raise ManifestError(f'{location} holds no {MANIFEST_FILE}: make an archive of the folder '
                            'with mxnet-model-export, or give --reload to serve it as it is while '
                            'you work on it')


def _check(endpoint: str, model_dir: str, where: str) -> LoadedModel:
    manifest = read_manifest(model_dir, where)
    name = manifest['Model']['Signature']
    read_signature(os.path.join(model_dir, name), f'{where}: {name}')
    params = manifest['Model'].get('Parameters')
    if params:
        check_params(os.path.join(model_dir, params), f'{where}: {brief(repr(params))}',
                     ArchiveError)
    return LoadedModel(endpoint, manifest['Model']['Model-Name'], model_dir, manifest)

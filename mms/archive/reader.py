"""Open a model archive, wherever it lies, for serving."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from mms.archive.extraction import extract_stream, opened_file
from mms.archive.fetch import fetch
from mms.archive.json_file import brief, os_reason
from mms.archive.location import Location
from mms.archive.manifest import read_manifest
from mms.archive.params_file import check_params
from mms.archive.signature import read_signature
from mms.errors import ArchiveError

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
        with opened_file(local, location.redacted) as stream:
            extract_stream(stream, model_dir, location.redacted)
        # A download is not needed any more: its contents are extracted.
        shutil.rmtree(os.path.join(private, 'download'), ignore_errors=True)
        yield model_dir


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

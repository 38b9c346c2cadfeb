"""What can be known of an archive without running anything in it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Optional

from mms.archive.json_file import brief, os_reason
from mms.archive.manifest import read_manifest
from mms.archive.params_file import check_params
from mms.archive.signature import read_signature
from mms.errors import ArchiveError, StartupError
from mms.exporter.service_source import find_service_class

_READ_BYTES = 1024**2


class FileFacts(NamedTuple):
    """A file of an archive: its name, its size in bytes and its SHA-256 in hex."""

    name: str
    size_bytes: int
    sha256: str


@dataclass
class Inspection:
    """What was found; None for what could not be read.

    Attributes
    ----------
    service_class
        Name of the class that would be served.
    refusal
        Why the server would not serve it; an empty string when nothing speaks against it.
    """

    files: list[FileFacts] = field(default_factory=list)
    manifest: Optional[dict[str, Any]] = None
    signature: Optional[dict[str, Any]] = None
    service_class: Optional[str] = None
    refusal: str = ''


def inspect_folder(model_dir: str, where: str) -> Inspection:
    """Look at the files of an extracted archive.

    Parameters
    ----------
    model_dir
        The folder.
    where
        What to call it in messages.

    Raises
    ------
    ArchiveError
        A file cannot be read.
    """
    found = Inspection(files=_files(model_dir, where))
    try:
        _read(found, model_dir, where)
    except StartupError as error:
        found.refusal = str(error)
    return found


def _read(found: Inspection, model_dir: str, where: str) -> None:
    found.manifest = read_manifest(model_dir, where)
    model = found.manifest['Model']
    name = model['Signature']
    found.signature = read_signature(os.path.join(model_dir, name), f'{where}: {name}')
    if model.get('Parameters'):
        check_params(os.path.join(model_dir, model['Parameters']),
                     f"{where}: {brief(repr(model['Parameters']))}", ArchiveError)
    found.service_class = find_service_class(
        os.path.join(model_dir, model['Service']), model_dir, model['Model-Format'])


def _files(model_dir: str, where: str) -> list[FileFacts]:
    try:
        paths = sorted(entry.path for entry in os.scandir(model_dir) if entry.is_file())
        return [FileFacts(os.path.basename(path), os.path.getsize(path), _sha256(path))
                for path in paths]
    except OSError as error:
        name = os.path.basename(str(error.filename))
        raise ArchiveError(f'{where}: {name} cannot be read: {os_reason(error)}') from error


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while data := file.read(_READ_BYTES):
            digest.update(data)
    return digest.hexdigest()

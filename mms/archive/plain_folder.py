"""A folder of a model's files that is no archive yet: copied, with the manifest that it lacks."""

from __future__ import annotations

import json
import os
import shutil

from mms.archive.builtin_service import BUILTIN_FILES, builtin_service
from mms.archive.json_file import os_reason
from mms.archive.manifest import (
    IMPERATIVE,
    MANIFEST_FILE,
    SYMBOLIC,
    make_manifest,
    mxnet_version_of,
)
from mms.archive.model_files import check_imperative, check_symbolic, find_model_files
from mms.archive.signature import SIGNATURE_FILE, read_signature
from mms.errors import ArchiveError

_PYTHON = '.py'
# Of several Python files, the one of the service is called so, or ends so.
_SERVICE, _SERVICE_SUFFIX = 'service.py', '_service.py'
_SKIPPED_FOLDER = '__pycache__'
# Files and folders of editors, of notebooks and of version control.
_HIDDEN, _BACKUP = '.', '~'

# Path of a file inside the folder -> what changes when the file does.
State = dict[str, object]


def copy_folder(folder: str, into: str) -> None:
    """Copy the files of a model into an empty folder, side by side as in an archive.

    Hidden files and backups of editors stay out. Where there is no manifest, there is one then: the
    one ``.py`` file is the service, or the one that is called ``service.py`` or ``..._service.py``.
    Where there is none, a built-in service is put in.

    Raises
    ------
    ArchiveError
        A file cannot be copied, or two have one name.
    StartupError
        The files are no model.
    """
    for inside in sorted(_paths(folder)):
        path, copy = os.path.join(folder, inside), os.path.join(into, os.path.basename(inside))
        if os.path.lexists(copy):
            raise ArchiveError(f'{folder}: two files have the name {os.path.basename(copy)}')
        if not os.path.isfile(path):
            raise ArchiveError(f'{path} is no file that can be copied')
        try:
            shutil.copyfile(path, copy)
        except OSError as exc:
            raise ArchiveError(f'{path} cannot be copied: {os_reason(exc)}') from exc
    if not os.path.isfile(os.path.join(into, MANIFEST_FILE)):
        _complete(folder, into)


def state_of(folder: str) -> State:
    """What tells one state of a folder from another; empty where it is none.

    Raises
    ------
    OSError
    """
    return {inside: _stamp(os.path.join(folder, inside)) for inside in _paths(folder)}


def _stamp(path: str) -> object:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _paths(folder: str) -> list[str]:
    """Of the files that count, inside the folder."""
    found = []
    for root, subfolders, names in os.walk(folder):
        subfolders[:] = [name for name in subfolders
                         if name != _SKIPPED_FOLDER and not name.startswith(_HIDDEN)]
        found += [os.path.relpath(os.path.join(root, name), folder) for name in names
                  if not name.startswith(_HIDDEN) and not name.endswith(_BACKUP)]
    return found


def _complete(folder: str, copy: str) -> None:
    """Write the manifest, and the service file where there is none."""
    files = find_model_files(folder)
    if files.onnx:
        raise ArchiveError(f'{folder} holds an ONNX model, {files.onnx}: make an archive of it '
                           'with mxnet-model-export, which converts it')
    signature = read_signature(os.path.join(copy, SIGNATURE_FILE), f'{folder}: {SIGNATURE_FILE}')
    service = _service(folder, copy)
    if service and not files.symbol:
        check_imperative(files, folder, '')
    else:
        check_symbolic(files, folder)
    if not service:
        service, contents = builtin_service(signature['input_type'])
        with open(os.path.join(copy, service), 'wb') as file:
            file.write(contents)
    symbol = os.path.join(copy, files.symbol) if files.symbol else None
    manifest = make_manifest(
        os.path.basename(folder), SYMBOLIC if symbol else IMPERATIVE, service, SIGNATURE_FILE,
        files.symbol or '', files.params or '', mxnet_version_of(symbol))
    with open(os.path.join(copy, MANIFEST_FILE), 'w', encoding='utf-8') as file:
        json.dump(manifest, file, indent=4)


def _service(folder: str, copy: str) -> str:
    """Name of the service file; an empty string where there is no Python."""
    names = sorted(name for name in os.listdir(copy) if name.endswith(_PYTHON))
    # A built-in one is there where the folder was an archive.
    own = [name for name in names if name not in BUILTIN_FILES] or names
    services = own if len(own) == 1 else [
        name for name in own if name == _SERVICE or name.endswith(_SERVICE_SUFFIX)]
    if len(services) != 1 and names:
        raise ArchiveError(f"{folder} holds several Python files, {', '.join(own)}: call the one "
                           f'of the service {_SERVICE} or ..._service.py, and no other')
    return services[0] if services else ''

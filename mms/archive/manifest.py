"""``MANIFEST.json``: what an archive holds and which file plays which part."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib import metadata
from typing import Any, Optional

from mms.archive.json_file import brief, kind_of, read_json
from mms.archive.limits import MANIFEST_BYTES, SYMBOL_BYTES
from mms.errors import ExportError, ManifestError
from mms.version import __version__

MANIFEST_FILE = 'MANIFEST.json'
ARCHIVE_VERSION = 0.2
SYMBOLIC = 'MXNet-Symbolic'
IMPERATIVE = 'Gluon-Imperative'

# Fields of Model whose values are names of files.
_FILES = ('Signature', 'Service', 'Symbol', 'Parameters')

# (path of the field, JSON type, required); archives of 0.1 also carry a License.
_FIELDS: tuple[tuple[str, str, bool], ...] = (
    ('Model-Archive-Version', 'a number', True),
    ('Model-Server', 'a number', True),
    ('Model-Archive-Description', 'a string', False),
    ('License', 'a string', False),
    ('Engine', 'an object', True),
    ('Created-By', 'an object', False),
    ('Created-By.Author', 'a string', False),
    ('Created-By.Author-Email', 'a string', False),
    ('Model', 'an object', True),
    ('Model.Signature', 'a string', True),
    ('Model.Model-Format', 'a string', True),
    ('Model.Model-Name', 'a string', True),
    ('Model.Service', 'a string', True),
    ('Model.Symbol', 'a string', False),
    ('Model.Parameters', 'a string', False),
    ('Model.Description', 'a string', False),
)
_MXNET_DISTRIBUTION = re.compile(r'mxnet(-(mkl|native|cu\d+(mkl)?))?')


def read_manifest(model_dir: str, where: Optional[str] = None) -> dict[str, Any]:
    """Read and check the manifest of an extracted archive.

    Parameters
    ----------
    model_dir
        Folder with the archive's files.
    where
        What to call `model_dir` in messages, when that is not its path.

    Raises
    ------
    ManifestError
        The file is missing, is not JSON, breaks the schema, or names a file
        that is not in `model_dir`.
    """
    path = os.path.join(model_dir, MANIFEST_FILE)
    where = where or model_dir
    if not os.path.isfile(path):
        raise ManifestError(f'{where} holds no {MANIFEST_FILE}: '
                            'make an archive of it with mxnet-model-export')
    read = read_json(path, f'{where}: {MANIFEST_FILE}', ManifestError, MANIFEST_BYTES)
    manifest = validate_manifest(read, where)
    check_members(manifest, model_dir, where)
    return manifest


def validate_manifest(manifest: Any, where: str) -> dict[str, Any]:
    """Return `manifest` if it keeps to the schema.

    Raises
    ------
    ManifestError
        The message names the first field that does not.
    """
    if not isinstance(manifest, dict):
        raise ManifestError(f'{where}: {MANIFEST_FILE} must be an object, not {kind_of(manifest)}')
    for path, kind, required in _FIELDS:
        _check_field(manifest, path, kind, required, f'{where}: {MANIFEST_FILE}')
    return manifest


def _check_field(
    manifest: dict[str, Any], path: str, kind: str, required: bool, where: str
) -> None:
    parent, _, name = path.rpartition('.')
    holder = manifest.get(parent, {}) if parent else manifest
    if name not in holder:
        if required:
            raise ManifestError(f'{where}: {path} is missing')
        return
    if kind_of(holder[name]) != kind:
        raise ManifestError(f'{where}: {path} must be {kind}, not {kind_of(holder[name])}')


def is_symbolic(model_format: str) -> bool:
    """Whether a ``Model-Format`` is that of a symbol file; manifests written by hand spell it
    in more than one way.
    """
    return 'symbolic' in model_format.lower()


def member_names(manifest: Mapping[str, Any]) -> set[str]:
    """Names of the files that the manifest names, and its own."""
    model = manifest['Model']
    return {MANIFEST_FILE} | {model[field] for field in _FILES if model.get(field)}


def check_members(manifest: Mapping[str, Any], model_dir: str, where: str) -> None:
    """See that every file the manifest names is there.

    Raises
    ------
    ManifestError
        A file is not named although the model needs it, is missing, or lies
        outside `model_dir`.
    """
    model = manifest['Model']
    needed = {'Signature', 'Service'} | (
        {'Symbol'} if is_symbolic(model['Model-Format']) else set())
    for field in _FILES:
        name = model.get(field, '')
        if name:
            _check_member(name, field, model_dir, where)
        elif field in needed:
            raise ManifestError(f'{where}: {MANIFEST_FILE}: Model.{field} is empty; '
                                f"a {brief(model['Model-Format'])} model needs this file")


def _check_member(name: str, field: str, model_dir: str, where: str) -> None:
    if os.path.isabs(name) or '..' in name.split('/'):
        raise ManifestError(f'{where}: {MANIFEST_FILE}: Model.{field} {brief(repr(name))} '
                            'must be a file of the archive')
    if not os.path.isfile(os.path.join(model_dir, name)):
        raise ManifestError(f'{where}: {brief(repr(name))}, which {MANIFEST_FILE} names as '
                            f'Model.{field}, is missing')


def make_manifest(
    model_name: str,
    model_format: str,
    service: str,
    signature: str,
    symbol: str = '',
    parameters: str = '',
    mxnet_version: Optional[str] = None,
) -> dict[str, Any]:
    """The manifest of a new archive; the file arguments are member names."""
    return {
        'Model-Archive-Version': ARCHIVE_VERSION,
        'Model-Archive-Description': model_name,
        'Model-Server': float('.'.join(__version__.split('.')[:2])),
        'Model': {
            'Symbol': symbol,
            'Parameters': parameters,
            'Signature': signature,
            'Service': service,
            'Description': model_name,
            'Model-Name': model_name,
            'Model-Format': model_format,
        },
        'Engine': {'MXNet': mxnet_version} if mxnet_version else {},
    }


def mxnet_version_of(symbol_path: Optional[str]) -> Optional[str]:
    """The MXNet version that wrote a symbol file, else the installed one.

    A symbol file keeps it as major * 10000 + minor * 100 + patch
    (``MXNET_VERSION`` in MXNet's ``base.h``): 10201 is 1.2.1.

    Raises
    ------
    ExportError
        The symbol file is not JSON.
    """
    number = _symbol_version(symbol_path) if symbol_path else None
    if number is None:
        return installed_mxnet_version()
    return f'{number // 10000}.{number // 100 % 100}.{number % 100}'


def _symbol_version(path: str) -> Optional[int]:
    try:
        if os.path.getsize(path) > SYMBOL_BYTES:
            return None
        symbol = read_json(path, path, ManifestError, SYMBOL_BYTES)
    except ManifestError as exc:
        raise ExportError(str(exc)) from exc
    attrs = symbol.get('attrs') if isinstance(symbol, dict) else None
    version = attrs.get('mxnet_version') if isinstance(attrs, dict) else None
    if isinstance(version, list) and len(version) == 2:  # ['int', 10201]
        version = version[1]
    return version if isinstance(version, int) else None


def installed_mxnet_version() -> Optional[str]:
    """The version of the installed MXNet wheel, whatever its flavour; None without one."""
    for distribution in metadata.distributions():
        name = distribution.metadata['Name']
        if name and _MXNET_DISTRIBUTION.fullmatch(name.lower().replace('_', '-')):
            return distribution.version
    return None

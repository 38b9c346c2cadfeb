"""From a folder of a model's files to its archive."""

from __future__ import annotations

import filecmp
import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Optional

from mms.archive.builtin_service import builtin_service
from mms.archive.json_file import os_reason
from mms.archive.keys import PrivateKey
from mms.archive.labels import label_advice
from mms.archive.manifest import (
    IMPERATIVE,
    MANIFEST_FILE,
    SYMBOLIC,
    make_manifest,
    mxnet_version_of,
)
from mms.archive.model_files import (
    ModelFiles,
    check_imperative,
    check_symbolic,
    find_model_files,
)
from mms.archive.new_file import already_exists
from mms.archive.params_file import check_params
from mms.archive.picture_shapes import check_picture_shapes
from mms.archive.signature import IMAGE_TYPE, SIGNATURE_FILE, read_signature
from mms.archive.signed_digest import SIGNATURE_SUFFIX
from mms.archive.symbol_file import check_inputs
from mms.archive.writer import MemberSource, add_member, collect, write_archive
from mms.errors import ExportError
from mms.exporter.conversion import check_signature, convert_onnx

_FORMATS = {'symbolic': SYMBOLIC, 'imperative': IMPERATIVE}
_BAD_NAME_CHARACTERS = ('/', '\\', '\0', '\n')

# That of the door, by which people know its lines.
logger = logging.getLogger('mms.export_model')


def export_model(
    model_name: str,
    model_path: str,
    service_file: Optional[str] = None,
    export_file: Optional[str] = None,
    model_type: Optional[str] = None,
    sign_key: Optional[str] = None,
    force: bool = False,
) -> str:
    """Write the archive of a model and return its path.

    `model_path` is never written to, the archive appears whole or not at all, and
    the same input gives the same bytes.

    Parameters
    ----------
    model_name
        Name of the model.
    model_path
        Folder with ``signature.json`` and the model's files; all of it goes in.
    service_file
        Path of the service file, or its name inside `model_path`. Without it the
        built-in service for the signature's ``input_type`` is put in.
    export_file
        The archive; ``<model_name>.model`` in the current directory by default.
    model_type
        ``'symbolic'`` or ``'imperative'``; by default what the service class is.
    sign_key
        PEM file of the Ed25519 private key that signs the archive: the signature is
        ``<export_file>.sig``, and neither is there without the other.
    force
        Whether the archive takes the place of a file of its name; that file stays as it is until
        the archive is whole, and where it cannot be made.

    Raises
    ------
    ExportError
        Also a :class:`ValueError`: files are missing, contradict each other or the
        model type, an ONNX model cannot be converted, or the archive exists, without
        `force`, or cannot be written.
    KeyFileError
        The private key cannot be used.
    MissingExtraError
        The model is an ONNX one, and the package onnx is not installed; or there is a key, and
        cryptography is not.
    SignatureError
        ``signature.json`` is missing, breaks its schema, or gives pictures a shape that the
        service does not make of them.
    ServiceError
        The service file cannot be loaded.
    """
    check_arguments(model_name, model_type)
    key = PrivateKey(sign_key) if sign_key else None
    archive_path = os.path.expanduser(export_file or _in_working_directory(f'{model_name}.model'))
    signature_path = archive_path + SIGNATURE_SUFFIX
    for path in (archive_path, *([signature_path] if key else ())):
        check_free(path, force)
    with packed(model_name, model_path, service_file, model_type) as members:
        write_archive(members, archive_path, key, force)
    logger.info('%s holds model %s', archive_path, model_name)
    if key:
        logger.info('%s is its signature', signature_path)
    elif os.path.lexists(signature_path):
        logger.warning('%s is the signature of another archive than this one: sign it with '
                       'mxnet-model-export --sign KEY --archive %s', signature_path, archive_path)
    return archive_path


@contextmanager
def packed(model_name: str, model_path: str, service_file: Optional[str] = None,
           model_type: Optional[str] = None) -> Iterator[dict[str, MemberSource]]:
    """The members of an archive, which are there during the block.

    Takes and raises what :func:`export_model` does.
    """
    model_dir = _model_dir(model_path)
    files = find_model_files(model_dir)
    signature = read_signature(os.path.join(model_dir, SIGNATURE_FILE))
    members = collect(model_dir)
    service_path = _service_path(service_file, model_dir)
    service_name = _add_service(members, service_path, signature['input_type'])
    service_class = _load_class(service_path, model_dir, files, model_type)
    model_format = _model_format(service_path, service_class, model_type)
    _check_files(files, model_format, model_dir, service_path, model_type)
    if files.params:
        params = os.path.join(model_dir, files.params)
        check_params(params, params, ExportError)
    if service_class or isinstance(members[service_name], bytes):
        _check_pictures(service_class, signature, os.path.join(model_dir, SIGNATURE_FILE))
    _check_author(files, model_dir, signature, service_class, model_format)
    with tempfile.TemporaryDirectory(prefix='mms-export-') as folder:
        if files.onnx:
            files = _convert(files.onnx, model_name, model_dir, folder, signature, members)
        manifest = _manifest(model_name, model_format, service_name, files, members)
        add_member(members, MANIFEST_FILE, _json_bytes(manifest))
        yield members


def check_free(path: str, force: bool) -> None:
    """See that an archive may be written there.

    Raises
    ------
    ExportError
    """
    if os.path.lexists(path) and not force:
        raise already_exists(path)
    if os.path.isdir(path):
        raise ExportError(f'{path} is a folder, and no archive takes its place')


def check_arguments(model_name: str, model_type: Optional[str]) -> None:
    """See that a model may be called so, and that there is such a type.

    Raises
    ------
    ExportError
    """
    if not model_name.strip() or any(char in model_name for char in _BAD_NAME_CHARACTERS):
        raise ExportError(f'{model_name!r} cannot be the name of a model: give one without / or '
                          '\\')
    if model_type not in (None, *_FORMATS):
        raise ExportError(f"model type {model_type!r} is not one of {', '.join(_FORMATS)}")


def _in_working_directory(name: str) -> str:
    try:
        return os.path.abspath(name)
    except FileNotFoundError as exc:
        raise ExportError(f'{name}: the current directory, where it goes, is gone') from exc


def _model_dir(model_path: str) -> str:
    model_dir = os.path.expanduser(model_path)
    if not os.path.isdir(model_dir):
        raise ExportError(f'model path {model_path!r} is not a directory')
    return model_dir


def _service_path(service_file: Optional[str], model_dir: str) -> Optional[str]:
    if not service_file:
        return None
    for path in (os.path.expanduser(service_file), os.path.join(model_dir, service_file)):
        if os.path.isfile(path):
            return path
    raise ExportError(f'Service File not found in {service_file} or in {model_dir}.')


def _add_service(
    members: dict[str, MemberSource], service_path: Optional[str], input_type: str
) -> str:
    """Put the service file into `members` unless it is there, and return its name."""
    if service_path is None:
        name, contents = builtin_service(input_type)
        if name in members:
            logger.info('%s is the service file, since none was given', members[name])
        else:
            add_member(members, name, contents)
        return name
    name = os.path.basename(service_path)
    present = members.get(name)
    if not isinstance(present, str) or not _is_same(present, service_path):
        add_member(members, name, service_path)
    return name


def _is_same(path: str, service_path: str) -> bool:
    try:
        return filecmp.cmp(path, service_path, shallow=False)
    except OSError as exc:
        raise ExportError(f'{exc.filename or service_path} cannot be read: '
                          f'{os_reason(exc)}') from exc


def _model_format(
    service_path: Optional[str], service_class: Optional[type], model_type: Optional[str]
) -> str:
    if service_class is None:
        if model_type == 'imperative':
            raise ExportError('an imperative model needs a service file, which builds the '
                              'network: give one')
        return SYMBOLIC
    is_gluon = _is_gluon(service_class)
    if is_gluon and model_type == 'symbolic':
        raise ExportError(f'model type symbolic contradicts the service file {service_path}: '
                          f'its class {service_class.__name__} derives from '
                          'GluonImperativeBaseService')
    return _FORMATS[model_type or ('imperative' if is_gluon else 'symbolic')]


def _load_class(
    service_path: Optional[str], model_dir: str, files: ModelFiles, model_type: Optional[str]
) -> Optional[type]:
    if service_path is None:
        return None
    from mms.worker.loading.service_loader import import_folders, load_service_class

    is_symbolic = files.symbol or files.onnx
    likely = _FORMATS[model_type] if model_type else SYMBOLIC if is_symbolic else IMPERATIVE
    before, sys.path[:] = sys.path[:], [*sys.path, *import_folders(service_path, model_dir)]
    try:
        return load_service_class(service_path, likely)
    finally:
        sys.path[:] = before


def _is_gluon(service_class: type) -> bool:
    from mms.model_service.mxnet_model_service import GluonImperativeBaseService

    return issubclass(service_class, GluonImperativeBaseService)


def _check_pictures(
    service_class: Optional[type], signature: dict[str, Any], where: str
) -> None:
    if service_class is None:
        check_picture_shapes(signature, where)
        return
    from mms.worker.loading.picture_inputs import check_class

    check_class(service_class, signature, where)


def _check_files(
    files: ModelFiles, model_format: str, model_dir: str, service_path: Optional[str],
    model_type: Optional[str],
) -> None:
    if model_format == IMPERATIVE:
        mend = ('say that the model type is symbolic' if model_type else
                'let the service class derive from MXNetBaseService')
        check_imperative(files, model_dir, mend)
        return
    hint = ('; if the service file builds a Gluon network, say that the model type is imperative'
            if service_path else '')
    check_symbolic(files, model_dir, hint)


def _check_author(
    files: ModelFiles, model_dir: str, signature: dict[str, Any], service_class: Optional[type],
    model_format: str
) -> None:
    """See what would stop the server, and warn of what would not, and is wrong all the same."""
    binds, names_classes = True, signature['input_type'] == IMAGE_TYPE
    if service_class is not None:
        from mms.worker.loading.advice import answers_classes, binds_as_signed, class_advice

        binds, names_classes = binds_as_signed(service_class), answers_classes(service_class)
        for line in class_advice(service_class):
            logger.warning('%s', line)
    if files.symbol and binds and model_format == SYMBOLIC:
        check_inputs(signature, os.path.join(model_dir, files.symbol), SIGNATURE_FILE)
    if names_classes:
        for line in label_advice(signature, model_dir):
            logger.warning('%s', line)


def _convert(
    onnx: str, model_name: str, model_dir: str, folder: str, signature: dict[str, Any],
    members: dict[str, MemberSource]
) -> ModelFiles:
    """Put a symbol and parameters into `members`, in place of the ONNX model they come from."""
    conversion = convert_onnx(os.path.join(model_dir, onnx), model_name, folder)
    check_signature(conversion, signature)
    for path in conversion.sources:
        members.pop(os.path.basename(path), None)
    symbol, params = map(os.path.basename, (conversion.symbol, conversion.params))
    add_member(members, symbol, conversion.symbol)
    add_member(members, params, conversion.params)
    return ModelFiles(symbol, params, None)


def _manifest(
    model_name: str, model_format: str, service_name: str, files: ModelFiles,
    members: Mapping[str, MemberSource]
) -> dict[str, Any]:
    symbol_path = str(members[files.symbol]) if files.symbol else None
    return make_manifest(
        model_name, model_format, service_name, SIGNATURE_FILE, files.symbol or '',
        files.params or '', mxnet_version_of(symbol_path))


def _json_bytes(manifest: dict[str, Any]) -> bytes:
    return json.dumps(manifest, indent=4).encode('utf-8')

"""``mms.export``: from a network in memory to an archive that has answered a request."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

from mms.archive.builtin_service import builtin_service
from mms.archive.json_file import os_reason
from mms.archive.labels import LABELS_FILE
from mms.archive.location import Location
from mms.archive.manifest import read_manifest
from mms.archive.new_file import new_file
from mms.archive.reader import unpacked
from mms.archive.signature import IMAGE_TYPE, SIGNATURE_FILE
from mms.errors import ExportError, StartupError
from mms.exporter.packing import check_arguments, check_free
from mms.exporter.packing_apart import pack
from mms.exporter.request_form import request_form
from mms.exporter.summary import ExportSummary
from mms.exporter.trial_run import NOT_ASKED, Trial, TrialFailed, try_model

if TYPE_CHECKING:
    from mms.exporter.networks.network import Network
    from mms.exporter.networks.symbols import Parameters

# Names, or the file that holds one on each line.
Labels = Union[Iterable[object], str, 'os.PathLike[str]']

_SUFFIX = '.model'
# What a path to a folder may end with.
_NO_NAMES = ('', os.curdir, os.pardir)
# Of a network that is made anew from its source.
_SERVICE_FILE = 'exported_service.py'
_OK, _BAD_REQUEST = 200, 400
# What MXNet prints of itself.
_ENGINE = 'MXNet start using engine'

logger = logging.getLogger('mms.export_model')


def export_network(
    model: Any,
    path: Union[str, os.PathLike[str]],
    inputs: Optional[Mapping[str, Any]] = None,
    labels: Optional[Labels] = None,
    *,
    preprocess: Optional[str] = None,
    params: Optional[Parameters] = None,
    service: Optional[Union[str, os.PathLike[str]]] = None,
    model_type: Optional[str] = None,
    input_type: Optional[str] = None,
    softmax: Optional[bool] = None,
    force: bool = False,
) -> ExportSummary:
    """Write the archive of a network, once it has answered a request in a process of its own.

    The network, its parameters and MXNet in this process stay as they were: a network that is being
    trained goes on. The archive appears whole or not at all.

    Parameters
    ----------
    model
        A Gluon block, a Module, a symbol, or the path of a symbol file. A Gluon block that is not
        hybrid is traced as one that is, where its answer stays the same.
    path
        The archive; its name without ``.model`` is that of the model.
    inputs
        Name of each input -> its shape, the batch first; 0 is any length, and an array is an
        example of any batch. For a block, in the order of its arguments; a Module knows its own.
    labels
        Names of the classes, in their order, or a file with one on each line. The answer is the
        five likeliest then, with their probabilities; without labels it is the outputs as lists.
    preprocess
        What becomes of a picture's values before the network: ``'imagenet'`` (0 to 1, normalized
        with the mean and deviation of ImageNet), ``'0-1'``, or ``'none'`` (0 to 255). It makes
        pictures of inputs of the shape (batch, 1 or 3, height, width), as `labels` do.
    params
        Parameters of a symbol: a dict of arrays, what ``get_params()`` returns, or a file.
    service
        A service file, where the built-in services do not do. What `preprocess` says is heeded by
        their hooks.
    model_type
        ``'imperative'`` where the class of `service` makes the network itself, which nothing in it
        says when it derives from ``MXNetBaseService`` or ``MXNetVisionService``.
    input_type
        ``'image/jpeg'`` or ``'application/json'``, where the guess would be wrong.
    softmax
        Whether a softmax goes behind the outputs. By default, with `labels` and without `service`,
        behind each that does not come from a softmax or a sigmoid.
    force
        Whether the archive takes the place of a file that is there.

    Returns
    -------
    ExportSummary
        What was written, and the answer.

    Raises
    ------
    ExportError
        Also a :class:`ValueError`. Nothing was written.
    StartupError
        The same: what :func:`mms.export_model.export_model` raises too.
    """
    began = time.monotonic()
    if os.path.basename(path) in _NO_NAMES:
        raise ExportError(f'{os.fspath(path)!r} is not the path of a file: end it with the name of '
                          'the model')
    path = os.path.abspath(os.path.expanduser(os.fspath(path)))
    path += _SUFFIX * (not path.endswith(_SUFFIX))
    name = os.path.basename(path).removesuffix(_SUFFIX)
    check_arguments(name, model_type)
    check_free(path, force)
    classes = _names(labels)
    service = os.path.abspath(os.path.expanduser(os.fspath(service))) if service else None
    network = _network(model, inputs, params, service, model_type)
    if softmax or (softmax is None and classes and service is None):
        network = _with_probabilities(network, softmax)
    outputs = network.outputs()
    _check_labels(classes, outputs)
    form = request_form(network.inputs, outputs, bool(classes), preprocess, input_type)
    with tempfile.TemporaryDirectory(prefix='mms-export-') as folder:
        with _folder_of(folder, name, network, form.signature, classes) as model_dir:
            made = None
            if network.service:
                made = _SERVICE_FILE, network.service(bool(classes), softmax)
            elif classes and service is None:
                # It names classes, whatever the inputs are.
                file_name, contents = builtin_service(IMAGE_TYPE)
                made = file_name, contents.decode()
            if made:
                _write(model_dir, *made)
            packing = pack(name, model_dir, folder, made[0] if made else service,
                           'imperative' if network.symbol is None else model_type)
        trial, model_format = _tried(packing.archive, folder, service is not None)
        _publish(packing.archive, path, force)
    remarks = (form.remark, *packing.remarks, *trial.advice)
    return ExportSummary(
        path, name, os.path.getsize(path), model_format, form.signature, classes, trial,
        time.monotonic() - began, list(filter(None, dict.fromkeys(remarks))))


def _names(labels: Optional[Labels]) -> list[str]:
    if labels is None:
        return []
    if isinstance(labels, (str, os.PathLike)):
        try:
            with open(os.path.expanduser(labels), encoding='utf-8-sig') as file:
                labels = file.read().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ExportError(f'labels=: {labels!s} cannot be read: '
                              f'{getattr(error, "strerror", None) or error}') from error
    if isinstance(labels, (Mapping, set, frozenset)) or not isinstance(labels, Iterable):
        raise ExportError(f'labels=: a {type(labels).__name__} has no names in an order: give a '
                          'list of them, or a file with one on each line')
    names = [str(label).strip() for label in labels]
    if not names:
        raise ExportError('labels=: there is none; leave it out where the answer names no class')
    for name in names:
        if len(name.splitlines()) != 1:
            raise ExportError(f'labels=: {name!r} is not one line of text')
    return names


def _network(model: Any, inputs: Optional[Mapping[str, Any]], params: Optional[Parameters],
             service: Optional[str], model_type: Optional[str]) -> Network:
    # They need MXNet, which whoever has a network has imported.
    from mms.exporter.networks.gluon import parameters_of_block
    from mms.exporter.networks.kinds import is_block, network_of
    from mms.exporter.service_source import is_gluon_service

    if service is None and model_type is not None:
        raise ExportError(f'model_type={model_type!r} tells of a service file: give service=')
    if service is not None and not os.path.isfile(service):
        raise ExportError(f'service=: {service} is no file')
    if service and is_block(model) and (
            model_type == 'imperative' or (model_type is None and is_gluon_service(service))):
        return parameters_of_block(model, inputs)
    return network_of(model, inputs, params)


def _with_probabilities(network: Network, softmax: Optional[bool]) -> Network:
    from mms.exporter.networks.probabilities import with_probabilities

    return with_probabilities(network, softmax)


def _check_labels(labels: Sequence[str], outputs: Iterable[tuple[str, Sequence[int]]]) -> None:
    for name, shape in outputs if labels else ():
        if len(shape) > 1 and shape[1] not in (0, len(labels)):
            raise ExportError(f'labels= has {len(labels)} names, and output {name!r} {list(shape)} '
                              f'has {shape[1]} classes')


@contextlib.contextmanager
def _folder_of(folder: str, name: str, network: Network, signature: Mapping[str, Any],
               labels: Sequence[str]) -> Iterator[str]:
    """The files of the model, until they are in the archive."""
    model_dir = os.path.join(folder, 'files')
    os.mkdir(model_dir)
    try:
        network.write(model_dir, name)
        _write(model_dir, SIGNATURE_FILE, json.dumps(signature, indent=2, ensure_ascii=False))
        if labels:
            _write(model_dir, LABELS_FILE, '\n'.join(labels))
        yield model_dir
    except OSError as error:
        raise ExportError(f'{folder}: the archive cannot be made: {os_reason(error)}; set TMPDIR '
                          'to a folder with more room') from error
    finally:
        shutil.rmtree(model_dir)


def _write(folder: str, name: str, text: str) -> None:
    with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
        file.write(f'{text}\n')


def _tried(archive: str, folder: str, is_own_service: bool) -> tuple[Trial, str]:
    """What came of one request to the archive, and its format.

    Raises
    ------
    ExportError
        It would not be served.
    """
    name = os.path.basename(archive)
    with unpacked('tried', Location.parse(archive), folder) as model_dir:
        model_format = read_manifest(model_dir)['Model']['Model-Format']
        try:
            trial = try_model(model_dir, folder)
        except TrialFailed as error:
            _tell(error.log)
            message = str(error).replace(os.path.join(model_dir, ''), '')
            raise ExportError(f'{name} would not be served, and was not written: {message}'
                              ) from error
        finally:
            shutil.rmtree(os.path.dirname(model_dir))
    if trial.status not in (_OK, NOT_ASKED, *([_BAD_REQUEST] if is_own_service else [])):
        _tell(trial.log)
        raise ExportError(f'{name} was not written: a made-up request is answered by '
                          f'{trial.status}: {trial.answer}{_last_line(trial.log)}')
    return trial, model_format


def _tell(log: str) -> None:
    """Show what the model has printed before it failed."""
    lines = _printed(log)
    if lines:
        logger.error('%s', '\n'.join(lines))


def _last_line(log: str) -> str:
    lines = _printed(log)
    return f' ({lines[-1].strip()})' if lines else ''


def _printed(log: str) -> list[str]:
    return [line for line in log.rstrip().splitlines() if _ENGINE not in line]


def _publish(archive: str, path: str, force: bool) -> None:
    try:
        with open(archive, 'rb') as whole, new_file(path) as made:
            shutil.copyfileobj(whole, made.stream)
            made.publish(replace=force)
    except StartupError:
        raise
    except OSError as error:
        raise ExportError(f'{path}: the archive cannot be made: {os_reason(error)}') from error

"""Which files of a folder are the model: symbol, parameters or ONNX."""

from __future__ import annotations

import os
import re
from typing import NamedTuple, Optional

from mms.archive.json_file import os_reason
from mms.errors import ExportError

_PARAMS_NAME = re.compile(r'(?P<prefix>.+)-\d+\.params')
_SYMBOL_SUFFIX = '-symbol.json'
# How a file's name ends -> what to call such a file.
_KINDS = {_SYMBOL_SUFFIX: '...-symbol.json', '.params': '.params', '.onnx': '.onnx'}


class ModelFiles(NamedTuple):
    """Names of the model's files in its folder; None for a kind that is not there."""

    symbol: Optional[str]
    params: Optional[str]
    onnx: Optional[str]


def find_model_files(model_dir: str) -> ModelFiles:
    """Look at the files of `model_dir` itself; those of its sub-folders are extras.

    Raises
    ------
    ExportError
        There are two files of one kind, or the folder cannot be read.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(model_dir) if not entry.is_dir())
    except OSError as exc:
        raise ExportError(f'{model_dir} cannot be read: {os_reason(exc)}') from exc
    return ModelFiles(*(_find_unique(names, suffix, model_dir) for suffix in _KINDS))


def _find_unique(names: list[str], suffix: str, model_dir: str) -> Optional[str]:
    matches = [name for name in names if name.endswith(suffix)]
    if len(matches) > 1:
        raise ExportError(f'mxnet-model-export expects only one {_KINDS[suffix]} file: '
                          f"{model_dir} holds {', '.join(matches)}")
    return matches[0] if matches else None


def check_imperative(files: ModelFiles, model_dir: str, mend: str) -> None:
    """See that nothing in the folder contradicts a Gluon model; ``.params`` is optional.

    Parameters
    ----------
    files
        What :func:`find_model_files` found.
    model_dir
        The folder, for messages.
    mend
        What to do when the model is a symbolic one.

    Raises
    ------
    ExportError
    """
    if files.symbol and not files.params:
        raise ExportError(f'Incomplete MXNet model found in the model directory {model_dir}: '
                          f'{files.symbol} has no .params file; an imperative model has no '
                          f'symbol file at all, so remove it or {mend}')
    for other in (files.symbol, files.onnx):
        if other:
            raise ExportError('More than one model type is present in the model directory '
                              f'{model_dir}: the model type is imperative, and {other} does not '
                              f'belong to such a model; remove it or {mend}')


def check_symbolic(files: ModelFiles, model_dir: str, hint: str = '') -> None:
    """See that the folder holds one whole symbolic model, or an ONNX one that becomes one.

    Parameters
    ----------
    files
        What :func:`find_model_files` found.
    model_dir
        The folder, for messages.
    hint
        Ends the message when files are missing.

    Raises
    ------
    ExportError
    """
    if files.onnx:
        _check_alone(files, model_dir)
        return
    if not files.symbol and not files.params:
        raise ExportError(f'No model files found in the model directory {model_dir}: a symbolic '
                          'model is NAME-symbol.json with NAME-0000.params, or one .onnx file'
                          f'{hint}')
    if not files.symbol or not files.params:
        missing = 'NAME-0000.params' if files.symbol else 'NAME-symbol.json'
        raise ExportError(f'Incomplete MXNet model found in the model directory {model_dir}: '
                          f'{files.symbol or files.params} is there, {missing} is missing{hint}')
    _check_names(files.symbol, files.params)


def _check_alone(files: ModelFiles, model_dir: str) -> None:
    other = files.symbol or files.params
    if other:
        raise ExportError('More than one model type is present in the model directory '
                          f'{model_dir}: {files.onnx} and {other}')


def _check_names(symbol: str, params: str) -> None:
    match = _PARAMS_NAME.fullmatch(params)
    if match is None:
        raise ExportError(f'No epoch number found in the parameter filename {params}: name it '
                          'NAME-0000.params, where 0000 is the epoch')
    if match['prefix'] != symbol[:-len(_SYMBOL_SUFFIX)]:
        raise ExportError('Your parameters file and symbols file naming prefix do not match. '
                          f'{params} and {symbol} must begin with the same NAME')

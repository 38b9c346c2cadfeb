"""Bringing a service file into memory as a module."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Optional

from mms import mxnet_compat
from mms.archive.limits import SERVICE_BYTES, check_size
from mms.errors import ServiceError
from mms.model_service.missing_library import missing_library
from mms.mxnet_engine.reasons import came_by_signal, place_of, reason_of
from mms.pictures.guard import guard


class _SourceLoader(importlib.machinery.SourceFileLoader):
    """Reads the source itself, always: a compiled copy may be of another archive's file."""

    def get_code(self, fullname: str) -> types.CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def load_service(path: str, name: Optional[str] = None) -> types.ModuleType:
    """Run a service file.

    Parameters
    ----------
    path
        The Python file.
    name
        The module's name; by default the file's, without ``.py``. The module is
        put into ``sys.modules`` if nothing there or on the path has that name.

    Raises
    ------
    ServiceError
        The file cannot be run; names the line and the reason. Or MXNet cannot be imported here,
        whatever the file says.
    """
    mxnet_compat.prepare_services()
    guard()
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise ServiceError(f'the service file cannot be loaded: {path} does not exist')
    check_size(path, SERVICE_BYTES, f'the service file cannot be loaded: {path}', ServiceError)
    name = name or os.path.splitext(os.path.basename(path))[0]
    module = _new_module(name, path)
    registered = _is_free(name, path)
    if registered:
        sys.modules[name] = module
    try:
        with _no_bytecode():
            module.__loader__.exec_module(module)  # type: ignore[union-attr]
    except BaseException as error:
        if came_by_signal(error):
            raise
        if registered:
            sys.modules.pop(name, None)
        missing = missing_library(error)
        if missing:
            raise ServiceError(missing) from error
        raise ServiceError(f'the service file cannot be loaded: {place_of(error, path)}: '
                           f'{_message(error)}') from error
    return module


def _new_module(name: str, path: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, path, loader=_SourceLoader(name, path))
    assert spec is not None
    return importlib.util.module_from_spec(spec)


def _is_free(name: str, path: str) -> bool:
    """Whether no other module has this name, or would have it when it is imported."""
    if name in sys.modules or name in sys.builtin_module_names:
        return False
    found = importlib.machinery.PathFinder.find_spec(name)
    return found is None or found.origin is None or os.path.realpath(found.origin) \
        == os.path.realpath(path)


@contextmanager
def _no_bytecode() -> Iterator[None]:
    """No ``__pycache__`` beside the user's files, nor beside the modules they import."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _message(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.msg:
        return f'{type(error).__name__}: {error.msg}'
    return reason_of(error)

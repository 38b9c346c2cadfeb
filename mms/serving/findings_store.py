"""What was measured of models, kept in the user's cache folder for the next start.

Nothing of it changes an answer: forms of networks, and batches, are proven again before they are
used. An entry that somebody else may have written, or that is none, is as good as not there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import metadata, util
from typing import Any, Optional

from mms.ipc.findings import Findings, findings_of
from mms.ipc.messages import Load
from mms.runtime.resources import Resources, memory_bytes
from mms.version import __version__

logger = logging.getLogger(__name__)

_FOLDER = 'mxnet-model-server'
# Of what an entry holds, and of what its name is made of.
_FORMAT = 1
_MOST_BYTES = 64 * 1024
_MOST_ENTRIES = 256
_NAME = re.compile(r'[0-9a-f]{64}[.]json')
_UNFINISHED = '.new-'
_CHUNK_BYTES = 1024**2
# Variables by which the libraries choose how they compute.
_COMPUTING = ('MXNET_', 'OMP_', 'GOMP_', 'KMP_', 'OPENBLAS_', 'DNNL_', 'ONEDNN_', 'MKL')


def cache_folder(environment: Mapping[str, str]) -> Optional[str]:
    """The server's folder in the user's cache folder (XDG Base Directory Specification); None for
    a user without a home.
    """
    given = environment.get('XDG_CACHE_HOME', '')
    parent = given if os.path.isabs(given) else os.path.join(os.path.expanduser('~'), '.cache')
    return os.path.join(parent, _FOLDER) if os.path.isabs(parent) else None


class FindingsStore:
    """The entries of one server.

    Parameters
    ----------
    folder
        Where they lie; it is made with the first.
    resources
        What the machine has.
    environment
        Of the processes of models.
    """

    def __init__(self, folder: str, resources: Resources, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._around = {
            'machine': [platform.machine(), _processor(), resources.cores, memory_bytes()],
            'environment': {name: value for name, value in sorted(environment.items())
                            if name.startswith(_COMPUTING)},
        }

    def entry(self, load: Load) -> Optional[Entry]:
        """The entry of a model, whether it is there or not; None where its files cannot be read.
        It reads all of them.
        """
        try:
            key = {'format': _FORMAT, **self._around, 'versions': _versions(),
                   'files': _digest(load), 'threads': list(load.threads),
                   'batch_size': load.batch_size, 'optimize': load.optimize}
        except OSError as error:
            logger.debug('Model %s has no entry: %s', load.endpoint, error)
            return None
        return Entry(self._folder, load.endpoint, key)


class Entry:
    """What is kept of one model.

    Parameters
    ----------
    folder
        Of all entries.
    model
        Its name, for messages and for who looks into the file.
    key
        All that what was measured depends on.
    """

    def __init__(self, folder: str, model: str, key: Mapping[str, Any]) -> None:
        self._folder = folder
        self._model = model
        text = json.dumps(key, sort_keys=True)
        self._key = json.loads(text)
        self._path = os.path.join(folder, f'{hashlib.sha256(text.encode()).hexdigest()}.json')

    def read(self) -> Optional[Findings]:
        """What was measured; None where nothing is kept that can be trusted."""
        try:
            _check_private(self._folder)
            held = json.loads(_read_private(self._path))
            if type(held) is not dict or held.get('key') != self._key:
                raise ValueError('it is of something else')
            found = findings_of(held.get('findings'))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, RecursionError) as error:
            logger.info('What was measured of model %s before is not used: %s: %s', self._model,
                        self._path, error)
            return None
        with suppress(OSError):
            # Those that are used stay.
            os.utime(self._path)
        return found

    def write(self, findings: Findings) -> None:
        """Keep what was measured; where it cannot be kept, nothing happens."""
        text = json.dumps({'model': self._model, 'key': self._key, 'findings': findings})
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            _check_private(self._folder)
            descriptor, new = tempfile.mkstemp(prefix=_UNFINISHED, dir=self._folder)
            try:
                with open(descriptor, 'w', encoding='utf-8') as file:
                    file.write(text)
                os.replace(new, self._path)
            except BaseException:
                os.unlink(new)
                raise
            _remove_oldest(self._folder)
        except (OSError, ValueError) as error:
            logger.debug('What was measured of model %s is not kept: %s', self._model, error)


def _check_private(folder: str) -> None:
    """See that nobody else can write to a folder.

    Raises
    ------
    OSError, ValueError
    """
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or not _is_own(found):
        raise ValueError('somebody else may write there')


def _read_private(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, 'rb') as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or not _is_own(found):
            raise ValueError('somebody else may have written it')
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError('it is too long')
    return data


def _is_own(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _remove_oldest(folder: str) -> None:
    """Keep as many entries as there may be, those that were used last."""
    entries = [(os.lstat(path).st_mtime, path) for name in os.listdir(folder)
               if _NAME.fullmatch(name) or name.startswith(_UNFINISHED)
               for path in [os.path.join(folder, name)]]
    for _, path in sorted(entries, reverse=True)[_MOST_ENTRIES:]:
        with suppress(OSError):
            os.unlink(path)


def _digest(load: Load) -> str:
    """Of all files of a model: their names and contents."""
    digest = hashlib.sha256()
    for path in _files(load):
        digest.update(json.dumps([os.path.relpath(path, load.model_dir),
                                  os.path.getsize(path)]).encode())
        with open(path, 'rb', buffering=0) as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()


def _files(load: Load) -> Iterator[str]:
    for folder, folders, names in os.walk(load.model_dir):
        folders.sort()
        if os.path.basename(folder) == '__pycache__':
            continue
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                yield path
    if not load.service_file.startswith(os.path.join(load.model_dir, '')):
        yield load.service_file


def _versions() -> list[str]:
    found = [platform.python_version(), __version__]
    with suppress(metadata.PackageNotFoundError):
        found.append(metadata.version('numpy'))
    # Its packages have many names, and its library may be one that somebody has built.
    spec = util.find_spec('mxnet')
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        library = os.path.join(folder, 'libmxnet.so')
        with suppress(OSError):
            stats = os.stat(library)
            found.append(f'{library} {stats.st_size} {stats.st_mtime_ns}')
    return found


def _processor() -> str:
    """Its model and what it can do, as Linux tells it."""
    with suppress(OSError), open('/proc/cpuinfo', encoding='utf-8', errors='replace') as file:
        return ' '.join(line.partition(':')[2].strip() for line in file.read().split('\n\n')[0]
                        .splitlines() if line.startswith(('model name', 'flags')))
    return platform.processor()

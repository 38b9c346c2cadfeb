"""A folder whose archives are served: they come, are replaced and go as its files do."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import NamedTuple, Optional, Protocol, Union

import gevent

from mms.archive.contents import contents_of
from mms.archive.location import Location
from mms.errors import MMSError, ModelExists, ModelNotFound
from mms.event_loop.guard import BackgroundTasks, GuardedLoop
from mms.event_loop.in_thread import in_thread
from mms.serving.load_failures import LoadFailures
from mms.serving.model_factory import OpenedModel
from mms.serving.registry import Registry
from mms.serving.served_model import ServedModel
from mms.serving.watched_files import (
    SUFFIX,
    Fingerprint,
    Scan,
    WatchedFiles,
    fingerprint_of,
    scan,
)

logger = logging.getLogger(__name__)

# A folder of a network is asked as often.
_INTERVAL_S = 1.0
# What is written while the server starts is not waited for longer.
_FIRST_S = 5.0
# Whoever asks for the health gets so many; all are in the log.
_MOST_REMARKS = 20
# A folder that says nothing for so long hangs.
_HANGS_S = 15.0
# A load that takes longer may never end: it is told, and nothing else waits for it.
_LONG_LOAD_S = 60.0


# One that requests find, or one that waits for workers.
Present = Union[ServedModel, OpenedModel]


class _Load(NamedTuple):
    """A file that is being seen to, since a time in monotonic seconds."""

    task: gevent.Greenlet
    since: float
    is_given_up: bool = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.since

    @property
    def is_long(self) -> bool:
        return self.seconds > _LONG_LOAD_S


class Loader(Protocol):
    """Who loads models from where their archives lie."""

    failures: LoadFailures

    def load(self, name: str, location: Location) -> object:
        """Serve another model."""

    def replace(self, name: str, location: Location) -> object:
        """Serve a model in the place of the one of its name."""


class Watcher:
    """Serves what lies in a folder.

    Parameters
    ----------
    folder
        Its path.
    models
        Where models are served.
    loader
        Loads them.
    at_start
        The files as they were before the models of the start were loaded, of which some may come
        from the folder.
    drain_timeout_s
        Requests of a model that goes are given up after that long.
    look_into
        What tells one whole archive from another; None for one that is not whole. May block.
    beside
        Suffix of the file beside each archive that counts with it; '' for none.
    """

    def __init__(self, folder: str, models: Registry, loader: Loader, at_start: Scan,
                 drain_timeout_s: float,
                 look_into: Callable[[str], Optional[Hashable]] = contents_of,
                 beside: str = '') -> None:
        self._look_into = look_into
        self._beside = beside
        self._folder = os.path.abspath(folder)
        self._models = models
        self._loader = loader
        self._drain_timeout_s = drain_timeout_s
        self._at_start: Mapping[str, Optional[Fingerprint]] = at_start.files
        self._device = at_start.device
        self._files = WatchedFiles()
        # Of models that were loaded from here: what the files held.
        self._held: dict[str, tuple[Present, Hashable]] = {}
        # Also of those whose file has gone, and may come back.
        self._digests: dict[str, Optional[str]] = {}
        self._remarks: dict[str, str] = {}
        self._trouble = ''
        self._asked_at = time.monotonic()
        self._loading: dict[str, _Load] = {}
        self._ending: set[str] = set()
        self._tasks = BackgroundTasks(f'the models of {self._folder}')
        self._loop: Optional[GuardedLoop] = None
        self._is_paused = False

    def remarks(self) -> list[str]:
        """What is wrong with the folder, and with each file that is not served as it is."""
        waits_s = time.monotonic() - self._asked_at
        hangs = f'{self._folder} has not answered for {waits_s:.0f} s' if waits_s > _HANGS_S else ''
        late = [f'{os.path.join(self._folder, file)} has been loading for {load.seconds:.0f} s'
                for file, load in self._loading.items() if load.is_long]
        told = [text for text in (self._trouble or hangs, *late, *self._remarks.values()) if text]
        more = len(told) - _MOST_REMARKS
        return told if more <= 0 else [*told[:_MOST_REMARKS], f'and {more} more: see the log']

    def load_present(self) -> None:
        """Serve what is there; returns when each file is served, or cannot be."""
        ends = time.monotonic() + _FIRST_S
        self.look()
        while self._loading or (self._files.pending() and time.monotonic() < ends):
            gevent.sleep(0.1)
            self.look()

    def start(self) -> None:
        """Look again and again from now on."""
        self._loop = GuardedLoop(f'the folder {self._folder}', self._turn)

    def pause(self) -> None:
        """Begin nothing more."""
        self._is_paused = True

    def stop(self) -> None:
        """Look no more; what is being loaded is given up."""
        if self._loop is not None:
            self._loop.kill()
        self._tasks.kill()

    def look(self) -> None:
        """See what has changed, and begin to do what that asks for."""
        self._asked_at = time.monotonic()
        try:
            found = in_thread(lambda: scan(self._folder, self._beside))
        except OSError as error:
            self._tell_trouble(f'{self._folder} cannot be read ({error.strerror or error})')
            return
        finally:
            self._asked_at = time.monotonic()
        if found.device != self._device and not found.files:
            self._tell_trouble(f'{self._folder} is on another file system, and empty: what was '
                               'there is not mounted')
            return
        self._device = found.device
        self._tell_trouble('')
        now = time.monotonic()
        self._files.see(found.files, now)
        self._begin(now)

    def _turn(self) -> None:
        gevent.sleep(_INTERVAL_S)
        if not self._is_paused:
            self.look()

    def _tell_trouble(self, trouble: str) -> None:
        if trouble and not self._trouble:
            logger.warning('%s; its models stay as they are.', trouble)
        elif self._trouble and not trouble:
            logger.info('%s can be read again.', self._folder)
        self._trouble = trouble

    def _begin(self, now: float) -> None:
        for file in self._files.due(now, time.time()):
            if file in self._loading:
                self._give_up_if_long(file)
            elif file not in self._ending:
                task = self._tasks.spawn(self._see_to, file)
                self._loading[file] = _Load(task, now)
                task.link(lambda _, file=file: self._loading.pop(file))
        if any(not load.is_long for load in self._loading.values()):
            # What comes is there before what goes has gone.
            return
        for file in self._files.gone(now):
            if file in self._loading:
                self._give_up_if_long(file)
            elif file not in self._ending:
                self._ending.add(file)
                self._tasks.spawn(self._end, file).link(
                    lambda _, file=file: self._ending.discard(file))

    def _give_up_if_long(self, file: str) -> None:
        """What is being loaded is not what the file holds any more."""
        load = self._loading[file]
        if load.is_long and not load.is_given_up:
            self._loading[file] = load._replace(is_given_up=True)
            logger.warning('%s is another one, or gone: what it held is given up after loading '
                           'for %.0f s.', os.path.join(self._folder, file), load.seconds)
            load.task.kill(block=False)

    def _see_to(self, file: str) -> None:
        """A file is new, or has changed."""
        path = os.path.join(self._folder, file)
        seen = self._files.fingerprint(file)
        contents = in_thread(lambda: self._contents_of(path))
        if contents is None and not self._files.is_stuck(file, time.monotonic(), time.time()):
            return
        self._files.handle(file, seen)
        name = file[:-len(SUFFIX)]
        why_not = self._why_not(name, path)
        if why_not:
            self._remarks[file] = f'{path} is not served: {why_not}'
            logger.warning('%s', self._remarks[file])
            return
        if self._is_served(name, file, seen, contents):
            self._forget_failure(name, file)
            return
        self._serve(name, file, seen, contents)

    def _why_not(self, name: str, path: str) -> str:
        if not name.strip() or not name.isprintable():
            return 'its name cannot be a segment of a URL'
        model = self._present(name)
        if model is not None and not _is_from(model, path):
            return f'model {name} is served from {model.location}'
        return ''

    def _present(self, name: str) -> Optional[Present]:
        """The model of a name; None where there is none."""
        parked = self._models.parked.get(name)
        if parked is None and name in self._models:
            return self._models[name]
        return parked

    def _is_served(self, name: str, file: str, seen: Fingerprint,
                   contents: Optional[Hashable]) -> bool:
        """Whether the model that is served is what the file holds."""
        model = self._present(name)
        if model is None:
            return False
        loaded, held = self._held.get(name, (None, None))
        if loaded is not model and self._at_start.get(file) == seen and contents:
            self._held[name] = (model, contents)
            return True
        if contents is None or (loaded, held) != (model, contents):
            return False
        logger.info('%s is another file, and holds what it held; model %s stays.',
                    os.path.join(self._folder, file), name)
        return True

    def _serve(self, name: str, file: str, seen: Fingerprint,
               contents: Optional[Hashable]) -> None:
        path = os.path.join(self._folder, file)
        self._held.pop(name, None)
        began = time.monotonic()
        try:
            replaces = self._load(name, path)
        except ModelExists:
            # Somebody else was sooner.
            self._see_to(file)
            return
        except MMSError as error:
            # The loader has logged it.
            self._remarks[file] = str(error)
            if self._present(name) is not None:
                self._remarks[file] += f'; model {name} stays as it was'
                logger.info('Model %s stays as it was.', name)
            return
        self._forget_failure(name, file)
        # One that has changed meanwhile is loaded again, whatever it holds.
        is_same = in_thread(lambda: self._fingerprint_of(path)) == seen
        model = self._present(name)
        if contents is not None and is_same and model is not None:
            self._held[name] = (model, contents)
        logger.info('Model %s is served from %s after %.1f s%s.', name, path,
                    time.monotonic() - began, ', in the place of the one before' * replaces)

    def _load(self, name: str, path: str) -> bool:
        """Load a model; whether it replaces another."""
        location = replace(Location.parse(path), digest=self._digest(name))
        if name in self._models:
            try:
                self._loader.replace(name, location)
                return True
            except ModelNotFound:
                # It was removed meanwhile.
                pass
        self._loader.load(name, location)
        return False

    def _digest(self, name: str) -> Optional[str]:
        """What was said of a model with ``#sha256=``: it is to be no other archive."""
        model = self._present(name)
        if model is not None:
            self._digests[name] = Location.parse(model.location).digest
        return self._digests.get(name)

    def _end(self, file: str) -> None:
        """A file has gone."""
        name, path = file[:-len(SUFFIX)], os.path.join(self._folder, file)
        self._digest(name)
        self._files.forget(file)
        self._held.pop(name, None)
        self._forget_failure(name, file)
        model = self._present(name)
        if model is None or not _is_from(model, path):
            return
        logger.info('%s has gone: model %s answers what it has, and is served no more.', path,
                    name)
        try:
            self._models.remove(name, self._drain_timeout_s)
        except MMSError as error:
            logger.warning('Model %s is not removed: %s', name, error)

    def _forget_failure(self, name: str, file: str) -> None:
        if self._remarks.pop(file, None):
            self._loader.failures.forget(name)

    def _contents_of(self, path: str) -> Optional[Hashable]:
        try:
            return self._look_into(path)
        except OSError:
            # Whoever opens it says why.
            return None

    def _fingerprint_of(self, path: str) -> Optional[Fingerprint]:
        try:
            return fingerprint_of(path, self._beside)
        except OSError:
            return None


def _is_from(model: Present, path: str) -> bool:
    location = Location.parse(model.location)
    return bool(location.path) and os.path.abspath(location.path) == path

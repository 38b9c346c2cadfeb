"""``--reload``: folders of models that somebody works on are loaded anew when they change."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from os.path import isdir, join, realpath
from typing import Any, Optional

import gevent

from mms.archive.location import Location
from mms.archive.plain_folder import State, state_of
from mms.bootstrap.model_loader import ModelLoader
from mms.bootstrap.parts import Parts
from mms.config.settings import Settings
from mms.errors import MMSError, ModelNotFound, UsageError
from mms.event_loop.guard import GuardedLoop
from mms.event_loop.in_thread import in_thread
from mms.metrics import CSV_FOLDER
from mms.serving.registry import Registry
from mms.serving.served_model import ServedModel
from mms.serving.server_state import ServerState

logger = logging.getLogger(__name__)

# Whoever saves a file looks at the answer a moment later. What changes from one look to the next is
# still written.
_INTERVAL_S = 0.4

# Name of a model -> its folder as it was when it was loaded.
States = Mapping[str, State]


class Look:
    """Looks at folders, one of which the server may write its log into.

    Parameters
    ----------
    settings
        They say what the server writes into the directory that it is started in.
    """

    def __init__(self, settings: Settings) -> None:
        self._own = (realpath(settings.log_file), join(realpath(CSV_FOLDER), 'mms_'))

    def __call__(self, folder: str) -> State:
        """The state of a folder, without what the server writes."""
        root = realpath(folder)
        return {inside: stamp for inside, stamp in state_of(folder).items()
                if not join(root, inside).startswith(self._own)}


def _call(duty: Callable[[], Any]) -> Any:
    return duty()


def folders_at_start(parts: Parts) -> States:
    """The folders of the settings before any model is loaded; none where they are not followed.

    Raises
    ------
    UsageError
        Models are of another user, who would be given copies of what this one may read.
    """
    settings = parts.settings
    if not settings.reload:
        return {}
    if settings.worker_user is not None:
        raise UsageError(f"{settings.said('reload')} copies folders with the rights of the server, "
                         f"and does not go with {settings.said('worker_user')}: make archives of "
                         'them with mxnet-model-export')
    folders = {name: Location.parse(text).path for name, text in settings.models.items()}
    followed = {name: path for name, path in folders.items() if isdir(path)}
    if not followed and settings.management_port is None:
        logger.warning('%s has no effect without a folder in --models.', settings.said('reload'))
    else:
        logger.warning('%s is for development: a folder is served as it is, and loaded anew when '
                       'a file in it changes. Serve archives to others.', settings.said('reload'))
    return in_thread(lambda: dict(zip(followed, map(Look(settings), followed.values()))))


def follow(parts: Parts, at_start: States, models: Registry, loader: ModelLoader, undo: ExitStack,
           call: Callable[[Callable[[], Any]], Any] = _call) -> None:
    """Follow the folders of models, until the server stops, where that is asked for.

    Parameters
    ----------
    at_start
        What :func:`folders_at_start` has found.
    call
        Calls a function where the models live.
    """
    if not parts.settings.reload:
        return
    follower = FolderFollower(models, loader, at_start, Look(parts.settings))
    parts.lifecycle.subscribe(
        lambda state: follower.pause() if state is ServerState.DRAINING else None)
    undo.callback(call, follower.stop)
    parts.health.add_remarks(follower.remarks)
    follower.start()


class FolderFollower:
    """Loads models anew whose folders have changed.

    Parameters
    ----------
    models
        Where they are served; those from a folder are followed, whoever has loaded them.
    loader
        Loads them.
    at_start
        Their folders when they were loaded.
    state
        Of a folder.
    """

    def __init__(self, models: Registry, loader: ModelLoader, at_start: States,
                 state: Callable[[str], State]) -> None:
        self._models = models
        self._loader = loader
        self._state = state
        self._loaded: dict[str, State] = dict(at_start)
        self._seen: dict[str, State] = {}
        # Name -> the model that stayed as it was, and why it did.
        self._remarks: dict[str, tuple[ServedModel, str]] = {}
        self._loop: Optional[GuardedLoop] = None
        self._is_paused = False

    def remarks(self) -> list[str]:
        """What is wrong with each folder that is not served as it is."""
        # Another one may have come since, or none be there.
        return [remark for name, (model, remark) in list(self._remarks.items())
                if self._served(name) is model]

    def start(self) -> None:
        """Look again and again from now on."""
        self._loop = GuardedLoop('the folders that are followed', self._turn)

    def pause(self) -> None:
        """Begin nothing more."""
        self._is_paused = True

    def stop(self) -> None:
        """Look no more; what is being loaded is given up."""
        if self._loop is not None:
            self._loop.kill()

    def look(self) -> None:
        """Load anew what has changed and rests."""
        for name in self._models.names:
            model = self._served(name)
            location = Location.parse(model.location) if model else None
            folder = location.path if location else ''
            if not model or not location or not in_thread(partial(isdir, folder)):
                continue
            state = in_thread(partial(self._state, folder))
            rests = self._seen.get(name) == state
            self._seen[name] = state
            if state != self._loaded.setdefault(name, state) and rests:
                self._loaded[name] = state
                self._load(model, location)

    def _turn(self) -> None:
        gevent.sleep(_INTERVAL_S)
        if not self._is_paused:
            self.look()

    def _served(self, name: str) -> Optional[ServedModel]:
        try:
            return self._models[name]
        except MMSError:
            # It has gone meanwhile.
            return None

    def _load(self, model: ServedModel, location: Location) -> None:
        name = model.name
        logger.info('%s has changed: model %s is loaded anew.', location, name)
        began = time.monotonic()
        try:
            self._loader.replace(name, location)
        except ModelNotFound:
            # It was removed meanwhile.
            return
        except MMSError as error:
            # The loader has logged it.
            self._remarks[name] = model, f'{error}; model {name} stays as it was'
            logger.warning('Model %s stays as it was.', name)
            return
        self._remarks.pop(name, None)
        logger.info('Model %s is served as it is now in %s, after %.1f s.', name, location,
                    time.monotonic() - began)

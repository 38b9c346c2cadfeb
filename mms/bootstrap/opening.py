"""Brings the archives of all models here, and looks for the devices that they are to run on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Optional

import gevent
from gevent.event import AsyncResult
from gevent.threadpool import ThreadPool

from mms.archive.admission import Admission
from mms.archive.location import Location
from mms.archive.reader import ANYTHING, LoadedModel, open_model
from mms.config.settings import Settings
from mms.devices.device import GPU, VisibleGPUs
from mms.devices.gpu_probe import probe_gpus
from mms.errors import StartupError, UsageError
from mms.event_loop.in_thread import in_thread
from mms.runtime.model_identity import Identity
from mms.runtime.streams import is_terminal
from mms.runtime.workspace import Workspace
from mms.serving.model_factory import OpenedModel
from mms.serving.placement import devices_of

# A download may hang for minutes, also when nobody waits for it any more: the threads that all else
# is done in, which are ten, are not for those.
_MOST_THREADS = 16
_IDLE_S = 5


def look_for_gpus(settings: Settings, identity: Identity) -> VisibleGPUs:
    """What MXNet sees of the GPUs that are wanted; nothing is looked at where none is.

    Parameters
    ----------
    identity
        Who asks it.

    Raises
    ------
    UsageError
        One is not there, or fails.
    """
    wanted = [wish for wish in settings.all_devices if wish.on_gpus]
    if not wanted:
        return VisibleGPUs()
    every = any(wish.every_gpu for wish in wanted)
    numbers = [] if every else sorted({device.number for wish in wanted
                                       for device in wish.devices if device.kind == GPU})
    visible_gpus = in_thread(lambda: probe_gpus(numbers, identity))
    for wish in wanted:
        devices_of(wish, visible_gpus)
    return visible_gpus


def check_service_file(path: str, said: str) -> None:
    """See that the file of ``--service`` is there; `said` is where it was given.

    Raises
    ------
    UsageError
    """
    if not os.path.isfile(path):
        reason = 'is not a file' if os.path.exists(path) else 'does not exist'
        raise UsageError(f'{said} {path!r} {reason}')


class Opener:
    """Fetches, extracts and checks the archives of one server, at its start and later.

    All of them lie in one temporary folder, which is made for the first.

    Parameters
    ----------
    undo
        Removes what was extracted, and is still there.
    reader_gid
        Number of the group that may read what was extracted; None for nobody else.
    admission
        What is asked of every archive.
    """

    def __init__(self, undo: ExitStack, reader_gid: Optional[int] = None,
                 admission: Admission = ANYTHING) -> None:
        self._reader_gid = reader_gid
        self._admission = admission
        self._workspace: Optional[Workspace] = None
        self._pool: Optional[ThreadPool] = None
        self._threads: set[AsyncResult] = set()
        undo.callback(self._close)

    def open(self, locations: Mapping[str, Location]) -> list[OpenedModel]:
        """The models of these locations, opened side by side.

        Parameters
        ----------
        locations
            Endpoint name -> location.

        Raises
        ------
        StartupError
            The first archive that cannot be used.
        """
        workspace = self._made()
        return [OpenedModel(model, locations[model.service_name].listed,
                            partial(workspace.remove, model.model_dir))
                for model in self._open_side_by_side(locations, workspace)]

    def open_one(self, name: Optional[str], location: Location) -> OpenedModel:
        """The model of a location, without a word on the terminal.

        Parameters
        ----------
        name
            Of its endpoint; None for the name that its archive has.

        Raises
        ------
        StartupError
            It cannot be used.
        """
        workspace = self._made()
        result = self._spawn(_open, workspace, name or 'model', location, self._admission)
        self._watch({result})
        try:
            model = result.get()
        except StartupError as error:
            which = name or f'from {location}'
            raise StartupError(f'model {which} cannot be served: {error}') from error
        except BaseException:
            # Nobody waits for it any more.
            result.rawlink(lambda late: gevent.spawn(_remove, workspace, late))
            raise
        return OpenedModel(model._replace(service_name=name or model.model_name), location.listed,
                           partial(workspace.remove, model.model_dir))

    def _made(self) -> Workspace:
        if self._workspace is None:
            self._workspace = Workspace(self._reader_gid)
        return self._workspace

    def _spawn(self, work: Callable[..., LoadedModel], *arguments: object) -> AsyncResult:
        # Of this thread: an embedding program opens the first models, its event loop the others.
        if self._pool is None or self._pool.hub is not gevent.get_hub():
            self._pool = ThreadPool(_MOST_THREADS, idle_task_timeout=_IDLE_S)
        return self._pool.spawn(work, *arguments)

    def _watch(self, threads: set[AsyncResult]) -> None:
        """These may write into the folder now."""
        self._threads = {result for result in self._threads if not result.ready()} | threads

    def _open_side_by_side(self, locations: Mapping[str, Location],
                           workspace: Workspace) -> list[LoadedModel]:
        progress = is_terminal(sys.stderr)
        opening = {name: self._spawn(_open, workspace, name, location, self._admission, progress)
                   for name, location in locations.items()}
        names = {result: name for name, result in opening.items()}
        self._watch(set(names))
        # In the order in which they end: the first that fails stops the start.
        for result in gevent.iwait(list(opening.values())):
            try:
                result.get()
            except StartupError as error:
                raise StartupError(
                    f'model {names[result]} cannot be served: {error}') from error
        return [result.get() for result in opening.values()]

    def _close(self) -> None:
        if self._workspace is None:
            return
        # Where one has failed, others may still write.
        if all(result.ready() for result in self._threads):
            self._workspace.close()
        else:
            self._workspace.abandon()


def _open(workspace: Workspace, name: str, location: Location, admission: Admission,
          progress: bool = False) -> LoadedModel:
    model = open_model(name, location, workspace.path, progress, admission)
    workspace.let_read(model.model_dir)
    return model


def _remove(workspace: Workspace, late: AsyncResult) -> None:
    """Remove what was extracted for nobody."""
    if late.successful():
        in_thread(partial(workspace.remove, late.value.model_dir))

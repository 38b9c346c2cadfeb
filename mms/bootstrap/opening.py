"""Brings the archives of all models here, and looks for the devices that they are to run on."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial

import gevent

from mms.archive.location import Location
from mms.archive.reader import LoadedModel, open_model
from mms.config.settings import Settings
from mms.devices.device import GPU, VisibleGPUs
from mms.devices.gpu_probe import probe_gpus
from mms.errors import StartupError, UsageError
from mms.event_loop.in_thread import in_thread
from mms.runtime.streams import is_terminal
from mms.runtime.workspace import Workspace
from mms.serving.model_factory import OpenedModel
from mms.serving.placement import devices_of


def look_for_gpus(settings: Settings) -> VisibleGPUs:
    """What MXNet sees of the GPUs that are wanted; nothing is looked at where none is.

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
    visible_gpus = in_thread(lambda: probe_gpus(numbers))
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


def open_models(locations: Mapping[str, Location], undo: ExitStack) -> list[OpenedModel]:
    """Fetch, extract and check the archives of models, side by side.

    Parameters
    ----------
    locations
        Endpoint name -> location.
    undo
        Removes what was extracted.

    Raises
    ------
    StartupError
        The first archive that cannot be used.
    """
    workspace = Workspace()
    try:
        opened = _open_side_by_side(locations, workspace.path)
    except BaseException:
        workspace.abandon()
        raise
    undo.callback(workspace.close)
    return [OpenedModel(model, str(locations[model.service_name]),
                        partial(workspace.remove, model.model_dir)) for model in opened]


def _open_side_by_side(locations: Mapping[str, Location], folder: str) -> list[LoadedModel]:
    threads = gevent.get_hub().threadpool
    progress = is_terminal(sys.stderr)
    opening = {name: threads.spawn(open_model, name, location, folder, progress)
               for name, location in locations.items()}
    names = {result: name for name, result in opening.items()}
    # In the order in which they end: the first that fails stops the start.
    for result in gevent.iwait(list(opening.values())):
        try:
            result.get()
        except StartupError as error:
            raise StartupError(f'model {names[result]} cannot be served: {error}') from error
    return [result.get() for result in opening.values()]

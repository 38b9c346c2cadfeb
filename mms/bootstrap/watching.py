"""``--watch``: a folder whose archives are served."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Optional

from mms.archive.admission import Admission
from mms.archive.location import Location
from mms.archive.reader import ANYTHING
from mms.archive.signed_digest import SIGNATURE_SUFFIX
from mms.bootstrap.model_loader import DRAIN_TIMEOUT_S, ModelLoader
from mms.bootstrap.parts import Parts
from mms.errors import UsageError
from mms.event_loop.in_thread import in_thread
from mms.serving.registry import Registry
from mms.serving.server_state import ServerState
from mms.serving.watched_files import SUFFIX, Scan, scan
from mms.serving.watcher import Watcher


def _call(duty: Callable[[], Any]) -> Any:
    return duty()


def look_at_start(parts: Parts) -> Optional[Scan]:
    """What lies in the folder before any model is loaded; None where none is watched.

    Raises
    ------
    UsageError
        It is no folder, or cannot be read.
    """
    folder = parts.settings.watch
    if folder is None:
        return None
    try:
        return in_thread(lambda: scan(folder, _beside(parts)))
    except OSError as error:
        raise UsageError(f"{parts.settings.said('watch')} {folder!r} is not a folder that can be "
                         f'read: {error.strerror or error}') from error


def present(parts: Parts, at_start: Optional[Scan]) -> dict[str, Location]:
    """What lies in the folder: name of each model -> where it is."""
    if at_start is None or parts.settings.watch is None:
        return {}
    folder = parts.settings.watch
    return {name[:-len(SUFFIX)]: Location.parse(os.path.join(folder, name))
            for name, fingerprint in at_start.files.items() if fingerprint is not None}


def watch(parts: Parts, at_start: Optional[Scan], models: Registry, loader: ModelLoader,
          undo: ExitStack, call: Callable[[Callable[[], Any]], Any] = _call,
          admission: Admission = ANYTHING) -> None:
    """Serve what lies in the folder, and look after it until the server stops.

    Returns when each archive that is there is served, or cannot be.

    Parameters
    ----------
    at_start
        What :func:`look_at_start` has found.
    call
        Calls a function where the models live.
    admission
        What is asked of every archive.
    """
    if at_start is None or parts.settings.watch is None:
        return
    watcher = Watcher(parts.settings.watch, models, loader, at_start, DRAIN_TIMEOUT_S,
                      admission.look_into, _beside(parts))
    parts.lifecycle.subscribe(
        lambda state: watcher.pause() if state is ServerState.DRAINING else None)
    undo.callback(call, watcher.stop)
    parts.health.add_remarks(watcher.remarks)
    watcher.load_present()
    watcher.start()


def _beside(parts: Parts) -> str:
    """Suffix of the file that is looked at with each archive."""
    return SIGNATURE_SUFFIX if parts.settings.require_signed else ''

"""The extracted files of all models: there when a process loads them, whoever sweeps the disk."""

from __future__ import annotations

import logging
import time
from typing import Callable, NamedTuple, Optional

import gevent

from mms.archive.manifest import member_names
from mms.archive.reader import LoadedModel
from mms.errors import ServiceError
from mms.event_loop.guard import GuardedLoop
from mms.event_loop.in_thread import in_thread
from mms.runtime.restorable_folder import RestorableFolder
from mms.runtime.workspace import workspace_of

logger = logging.getLogger(__name__)

# A service may read its files while it answers.
_LOOK_S = 60.0
# tmpwatch and tmpreaper remove what nobody has used for days.
_TOUCH_S = 3600.0


class _Files(NamedTuple):
    model: str
    kept: RestorableFolder


class ExtractedFiles:
    """The folders that archives were extracted to; a folder of the user's is left alone."""

    def __init__(self) -> None:
        self._files: dict[str, _Files] = {}
        self._looking: Optional[GuardedLoop] = None
        self._complaints: dict[str, str] = {}
        self._touched_at = time.monotonic()

    def keep(self, model: LoadedModel) -> Callable[[], None]:
        """Look after the files of a model; what sees that they are there.

        That raises :class:`ServiceError` where they are not.
        """
        name, folder = model.service_name, model.model_dir
        workspace = workspace_of(folder)
        if workspace is None:
            return lambda: None
        try:
            # What is held open is known when the files are removed, also where nobody loads them.
            kept = in_thread(lambda: workspace.keep(folder, member_names(model.manifest)),
                             end=lambda: None)
        except OSError as error:
            logger.warning('The files of model %s are not held open (%s).', name, error.strerror)
            return lambda: None
        self._files[folder] = _Files(name, kept)
        return lambda: in_thread(kept.put_back)

    def forget(self, folder: str) -> None:
        """The model of these files is served no more."""
        self._files.pop(folder, None)
        self._complaints.pop(folder, None)

    def watch(self) -> None:
        """Look after them from now on."""
        if self._looking is None:
            self._looking = GuardedLoop('the files of the models', self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.kill()

    def _look(self) -> None:
        gevent.sleep(_LOOK_S)
        is_old = time.monotonic() >= self._touched_at + _TOUCH_S
        if is_old:
            self._touched_at = time.monotonic()
        for folder, files in list(self._files.items()):
            try:
                in_thread(files.kept.put_back)
            except ServiceError as error:
                self._complain(folder, files.model, str(error))
            else:
                self._complaints.pop(folder, None)
                if is_old:
                    in_thread(files.kept.touch)

    def _complain(self, folder: str, model: str, reason: str) -> None:
        """Once, while the reason is the same: the processes that live go on serving."""
        if folder in self._files and self._complaints.get(folder) != reason:
            logger.error('Model %s is served by the processes that have loaded it, no new one '
                         'can: %s.', model, reason)
            self._complaints[folder] = reason

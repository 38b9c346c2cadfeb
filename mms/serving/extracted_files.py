"""The extracted files of all models: there when a process loads them, whoever sweeps the disk."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Callable, Optional

import gevent

from mms.archive.manifest import member_names
from mms.archive.reader import LoadedModel
from mms.errors import ServiceError
from mms.event_loop.guard import Loop
from mms.event_loop.in_thread import in_thread
from mms.runtime.kept_folder import KeptFolder
from mms.runtime.workspace import workspace_of

logger = logging.getLogger(__name__)

# A service may read its files while it answers.
_LOOK_S = 60.0
# tmpwatch and tmpreaper remove what nobody has used for days.
_TOUCH_S = 3600.0


class Files:
    """The folders that archives were extracted to; a folder of the user's is left alone.

    Parameters
    ----------
    models
        Their archives, opened.
    """

    def __init__(self, models: Sequence[LoadedModel]) -> None:
        self._kept: dict[str, KeptFolder] = {}
        self._looking: Optional[Loop] = None
        self._complaints: dict[str, str] = {}
        self._touched_at = time.monotonic()
        for model in models:
            name, workspace = model.service_name, workspace_of(model.model_dir)
            if workspace is None:
                continue
            try:
                self._kept[name] = workspace.keep(model.model_dir, member_names(model.manifest))
            except OSError as error:
                logger.warning('The files of model %s are not held open (%s).', name,
                               error.strerror)

    def check_of(self, name: str) -> Callable[[], None]:
        """What sees that a model's files are there; raises :class:`ServiceError`."""
        kept = self._kept.get(name)
        return lambda: in_thread(kept.put_back) if kept else None

    def watch(self) -> None:
        """Look after them from now on."""
        if self._kept:
            self._looking = Loop('the files of the models', self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.kill()

    def _look(self) -> None:
        gevent.sleep(_LOOK_S)
        is_old = time.monotonic() >= self._touched_at + _TOUCH_S
        if is_old:
            self._touched_at = time.monotonic()
        for name, kept in self._kept.items():
            try:
                in_thread(kept.put_back)
            except ServiceError as error:
                self._complain(name, str(error))
            else:
                self._complaints.pop(name, None)
                if is_old:
                    in_thread(kept.touch)

    def _complain(self, name: str, reason: str) -> None:
        """Once, while the reason is the same: the processes that live go on serving."""
        if self._complaints.get(name) != reason:
            logger.error('Model %s is served by the processes that have loaded it, no new one '
                         'can: %s.', name, reason)
        self._complaints[name] = reason

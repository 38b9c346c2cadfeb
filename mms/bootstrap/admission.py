"""What a server asks of every archive: ``--require-signed``, and what downloads may cost."""

from __future__ import annotations

import logging
from contextlib import ExitStack

from mms.archive.admission import Admission
from mms.archive.keys import PublicKeys
from mms.archive.limits import DownloadLimits
from mms.bootstrap.parts import Parts
from mms.errors import KeyFileError, UsageError
from mms.event_loop.in_thread import in_thread

logger = logging.getLogger(__name__)


def admission_of(parts: Parts, undo: ExitStack) -> Admission:
    """What is asked of the archives of a server; its keys are read again when they change.

    Raises
    ------
    UsageError
        The file of the keys cannot be used, or the models that were given are opened already.
    MissingExtraError
        There is a file of keys, and no package that reads it.
    """
    settings = parts.settings
    limits = DownloadLimits(settings.max_download_bytes, settings.download_timeout_s)
    path = settings.require_signed
    if path is None:
        return Admission(limits=limits, copies_folders=settings.reload)
    said = settings.said('require_signed')
    if parts.has_given_models:
        raise UsageError(f'{said} has no way to check models that are opened already: give '
                         'ModelLoader.load its require_signed, or leave the models to --models')
    keys = in_thread(lambda: PublicKeys(path, said))
    parts.read_again([path], lambda: _read_again(keys, path), undo)
    return Admission(keys, limits, settings.reload)


def _read_again(keys: PublicKeys, path: str) -> None:
    try:
        keys.reload()
    except KeyFileError as error:
        logger.error('%s; the keys stay as they were.', error)
    else:
        whose = 'the key' if len(keys) == 1 else f'one of {len(keys)} keys'
        logger.info('Archives must be signed by %s of %s from now on.', whose, path)

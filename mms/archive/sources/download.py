"""A download: written under a temporary name, checked, then renamed."""

from __future__ import annotations

import contextlib
import errno
import logging
import ntpath
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Optional

from mms.archive.json_file import os_reason
from mms.archive.limits import DownloadLimits
from mms.archive.progress import byte_bar
from mms.archive.sources.pace import Pace
from mms.errors import FetchError

# Waits before the second, third and fourth attempt: long enough for a service that restarts,
# short enough for a person who mistyped a host name.
BACK_OFF_S = (0.3, 0.6, 1.2)
CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 60
CHUNK_BYTES = 64 * 1024
DEFAULT_NAME = 'archive.model'
# Most file systems take 255 bytes; the rest is for a suffix.
_MAX_NAME_BYTES = 200

logger = logging.getLogger(__name__)


class Interrupted(FetchError):
    """A download failed in a way that another attempt may mend."""


def file_in(folder: str, remote_path: str) -> str:
    """Path in `folder`, which is made, of a file that is called as `remote_path` is."""
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, safe_name(remote_path))


def safe_name(path: str) -> str:
    """The last part of `path`, fit for a file of ours."""
    name = ntpath.basename(path.rstrip('/')).replace('\0', '')
    name = name.encode('utf-8', 'ignore')[-_MAX_NAME_BYTES:].decode('utf-8', 'ignore')
    return name if name.strip('.') else DEFAULT_NAME


def with_retries(attempt: Callable[[], str], pace: Pace) -> str:
    """Call `attempt` until it does not raise :class:`Interrupted`, four times at most, and not
    when it has taken too long.
    """
    for wait_s in BACK_OFF_S:
        try:
            return attempt()
        except Interrupted as exc:
            pace.check()
            logger.info('%s; trying again in %.1f s', exc, wait_s)
            time.sleep(wait_s)
            pace.begin()
    return attempt()


def save(
    chunks: Iterator[bytes], path: str, expected_bytes: Optional[int], shown: str, progress: bool,
    limits: DownloadLimits
) -> None:
    """Write `chunks` to `path`, which appears whole or not at all.

    Parameters
    ----------
    chunks
        The body; raises what is to be raised when the network fails.
    path
        The file to write; ``path.part`` while it is not whole.
    expected_bytes
        Length that was announced; None when it was not.
    shown
        What to call the location in messages and on the progress bar.
    progress
        Show the progress bar.
    limits
        How many bytes it may have.

    Raises
    ------
    FetchError
        The disk is full or cannot be written, or there is more to be written than may be.
    """
    part = path + '.part'
    try:
        _check_most(expected_bytes or 0, limits, shown)
        _check_room(expected_bytes, path, shown)
        with _disk_errors(shown), open(part, 'wb') as target:
            _write(_at_most(chunks, limits, shown), target.write, expected_bytes, shown,
                   progress)
        os.replace(part, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)


def check_length(received: int, expected: Optional[int], shown: str) -> None:
    """Refuse a body that is shorter or longer than announced.

    Raises
    ------
    Interrupted
    """
    if expected is not None and received != expected:
        raise Interrupted(f'{shown}: the download broke off: {received} of {expected} bytes came')


def _write(
    chunks: Iterator[bytes],
    write: Callable[[bytes], object],
    total: Optional[int],
    shown: str,
    progress: bool,
) -> None:
    with byte_bar(total, progress, os.path.basename(shown)) as bar:
        for chunk in chunks:
            write(chunk)
            bar.update(len(chunk))


def _at_most(chunks: Iterator[bytes], limits: DownloadLimits, shown: str) -> Iterator[bytes]:
    received = 0
    for chunk in chunks:
        received += len(chunk)
        _check_most(received, limits, shown)
        yield chunk


def _check_most(size: int, limits: DownloadLimits, shown: str) -> None:
    if size > limits.most_bytes:
        raise FetchError(f'{shown} is too large: {limits.most_bytes} bytes are the most '
                         f'({limits.said})')


def _check_room(needed: Optional[int], path: str, shown: str) -> None:
    folder = os.path.dirname(path)
    free = shutil.disk_usage(folder).free
    if needed is not None and needed > free:
        raise FetchError(f'{shown}: the disk is full: {needed} bytes needed, {free} free in '
                         f'{folder}; set TMPDIR to a larger disk') from OSError(
            errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def _disk_errors(shown: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        # `chunks` translates what goes wrong on the network, so this is the disk.
        raise FetchError(f'{shown}: cannot be written to disk: {os_reason(exc)}') from exc

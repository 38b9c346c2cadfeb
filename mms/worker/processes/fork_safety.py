"""Whether a process may be forked once it has loaded a service, and what speaks against it."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from types import ModuleType

from mms.mxnet_compat import after_import
from mms.mxnet_compat.library import LIBINFO
from mms.worker.processes.native_threads import library_of, thread_ids

logger = logging.getLogger(__name__)

# What would have two owners after a fork, so that answers get mixed up: a connection to a
# database, the pipes to a helper process.
_SHARED_KINDS = ('socket:', 'pipe:', 'anon_inode:')
# A thread that was joined is seen for a moment longer.
_THREAD_ENDS_S = 0.5
_POLL_S = 0.01
# Parts of names of libraries that start their threads anew in a fork, and that computed in one
# when this was tried: OpenBLAS, of which NumPy, SciPy and MXNet have one each, ends them before a
# fork; OpenCV makes do without.
_MENDED_BY_THEMSELVES = ('openblas', 'opencv', 'cv2')


class Baseline:
    """The threads and open files of a process before its service was loaded.

    The threads that MXNet starts while it is imported, which may be later, count as there before;
    make it before :func:`mms.mxnet_compat.prepare_services`.
    """

    def __init__(self) -> None:
        self._files = open_files()
        self._known = self._before_mxnet = thread_ids()
        after_import.call(LIBINFO, self._mxnet_begins)
        after_import.call('mxnet', self._mxnet_ends)

    def excess(self, doer: str) -> str:
        """What makes this process unsafe to fork, and who did it; empty when nothing does."""
        named = python_threads()
        if named:
            return f'{doer} started the thread {named[0]}'
        threads = self._threads_of_the_service()
        if threads:
            library, number = Counter(threads).most_common(1)[0]
            return f'{doer} started {number} thread(s)' + (f' of {library}' if library else '')
        opened = sorted(target for _, target in open_files() - self._files)
        if opened:
            what = os.path.basename(opened[0]) if opened[0].startswith('/') else \
                'a connection, or a pipe to another process'
            return f'{doer} left {what} open'
        return ''

    def take_threads(self, doer: str) -> None:
        """Count the threads that there are now as there before; `doer` started them."""
        self._take(thread_ids() - self._known, doer)

    def _mxnet_begins(self, libinfo: ModuleType) -> None:
        self._before_mxnet = thread_ids()

    def _mxnet_ends(self, mxnet: ModuleType) -> None:
        self._take(thread_ids() - self._before_mxnet - self._known, 'the import of MXNet')

    def _take(self, new: set[int], doer: str) -> None:
        # The system uses the number of a thread that has ended again.
        self._known = (self._known & thread_ids()) | new
        if new:
            logger.debug('%s started %d thread(s), which are not of the service', doer, len(new))

    def _threads_of_the_service(self) -> list[str]:
        """The library of each; patient with threads that are just ending, or busy at first."""
        end = time.monotonic() + _THREAD_ENDS_S
        while True:
            new = thread_ids() - self._known
            libraries = [library_of(thread) for thread in new]
            own = [library for library in libraries if not _is_mended(library)]
            if not own or time.monotonic() > end:
                _tell_of(filter(_is_mended, libraries))
                return own
            time.sleep(_POLL_S)


def open_files() -> set[tuple[str, str]]:
    """Number and target of what this process has open and a fork would share: sockets, pipes,
    and files, the position in which is shared, but for those that are only appended to.
    """
    found = set()
    with suppress(OSError):
        for fd in os.listdir('/proc/self/fd'):
            with suppress(OSError):
                target = os.readlink(f'/proc/self/fd/{fd}')
                is_file = target.startswith('/') and not target.startswith(('/dev/', '/proc/'))
                if target.startswith(_SHARED_KINDS) or (is_file and not _appends(int(fd))):
                    found.add((fd, target))
    return found


def python_threads() -> list[str]:
    """Names of the threads of Python beside the calling one and the main one."""
    ours = (threading.main_thread(), threading.current_thread())
    return [thread.name for thread in threading.enumerate() if thread not in ours]


def _appends(fd: int) -> bool:
    return bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND)


def _tell_of(mended: Iterable[str]) -> None:
    for library, number in Counter(mended).items():
        logger.debug('%d thread(s) of %s, which is no obstacle to a fork', number, library)


def _is_mended(library: str) -> bool:
    return any(part in library for part in _MENDED_BY_THEMSELVES)

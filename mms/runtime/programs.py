"""Programs that are run to their end, unless whoever waits for them has to go."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Optional


class ProgramsStopped(Exception):
    """:meth:`Programs.stop` was called: nobody waits for the outcome."""


class Programs:
    """Runs programs, in any thread, until it is stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(self, words: Sequence[str], timeout_s: Optional[float] = None,
            joined: bool = False) -> subprocess.CompletedProcess[bytes]:
        """Run a program of a process group of its own, of which nothing is left then.

        Parameters
        ----------
        words
            Its command line.
        timeout_s
            How long it may take.
        joined
            What it prints on standard error comes with its standard output.

        Raises
        ------
        OSError
            It cannot be started.
        ProgramsStopped
        subprocess.TimeoutExpired
        """
        with self._lock:
            if self._stopped:
                raise ProgramsStopped
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True,
                stderr=subprocess.STDOUT if joined else subprocess.PIPE)
            self._running.add(process)
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
        finally:
            self._end(process)
        if self._stopped:
            raise ProgramsStopped
        return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)

    def stop(self) -> None:
        """End what runs, and start nothing any more."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                _kill_group(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.discard(process)
            _kill_group(process)
        with process:
            process.wait()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)

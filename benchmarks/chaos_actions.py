"""What is done to a server under chaos, one thing after the other."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Optional, Protocol

import psutil
from chaos_checks import KILLED, NOT_YET, PAUSED, STOPPED, Blow
from chaos_models import NAME, EchoModel

from mms.client.management_client import ManagementClient, ManagementError

# How long a process is stopped that goes on, and how long each operation of a slow disk takes.
PAUSE_S = 0.5
SLOW_MS = 200
# Of a process that is killed.
LONGEST_END_S = 5.0
MOST_WORKERS = 4


class AnyDisk(Protocol):
    """The disk that the server's log and temporary files are on."""

    def be_slow(self, milliseconds: int) -> None:
        """Let each operation take so long."""

    def be_full(self) -> None:
        """Let nothing be written."""

    def be_well(self) -> None:
        """Work as a disk does."""


class Chaos:
    """Does things to a server, and notes them.

    Parameters
    ----------
    pid
        Of the front process.
    model
        What it serves.
    management
        Its management port.
    disk
        What its files are on.
    chance
        Chooses.

    Attributes
    ----------
    done
        Name of an action -> how often it was taken.
    blows
        What was done to processes, and when.
    failed
        What the management port refused while the disk was well.
    """

    def __init__(self, pid: int, model: EchoModel, management: ManagementClient,
                 disk: AnyDisk, chance: random.Random) -> None:
        self.pid, self._model, self._management = pid, model, management
        self._disk, self._chance = disk, chance
        self._version = 0
        self._is_full = False
        self.done: Counter[str] = Counter()
        self.blows: list[Blow] = []
        self._watched: list[tuple[Blow, list[psutil.Process]]] = []
        self.failed: list[str] = []
        self.actions: Mapping[str, Callable[[], Optional[str]]] = {
            'kill a worker': self._kill_worker,
            'stop a worker for a while': self._pause_worker,
            'stop a worker for good': self._stop_worker,
            'kill the template': self._kill_template,
            'stop the template for a while': self._pause_template,
            'stop the template for good': self._stop_template,
            'replace the model': self._replace,
            'scale': self._scale,
            'SIGHUP': lambda: os.kill(pid, signal.SIGHUP),
            'SIGUSR1': lambda: os.kill(pid, signal.SIGUSR1),
            'slow disk': self._slow_disk,
            'full disk': self._full_disk,
        }

    def take(self, name: str) -> None:
        """Take an action, unless there is nothing to take it on, or it is refused."""
        self._look()
        if self.actions[name]() is None:
            self.done[name] += 1

    def recover(self) -> None:
        """Have the disk well again."""
        self._look()
        self._is_full = False
        self._disk.be_well()

    def workers(self) -> list[psutil.Process]:
        """Those that were forked."""
        return [child for template in self.templates() for child in _children(template)
                if _is_called(child, 'mms-worker')]

    def templates(self) -> list[psutil.Process]:
        """Those that workers are forked from."""
        return [child for child in _children(psutil.Process(self.pid))
                if _is_called(child, 'mms-model')]

    def _kill_worker(self) -> Optional[str]:
        return self._end(self.workers(), KILLED)

    def _stop_worker(self) -> Optional[str]:
        return self._end(_going_on(self.workers()), STOPPED)

    def _pause_worker(self) -> Optional[str]:
        return self._pause(self.workers())

    def _kill_template(self) -> Optional[str]:
        return self._end(self.templates(), KILLED, is_template=True)

    def _stop_template(self) -> Optional[str]:
        return self._end(_going_on(self.templates()), STOPPED, is_template=True)

    def _pause_template(self) -> Optional[str]:
        return self._pause(self.templates(), is_template=True)

    def _end(self, processes: list[psutil.Process], how: str,
             is_template: bool = False) -> Optional[str]:
        """Kill one, or stop it for so long that the server has to."""
        if not processes:
            return 'nothing'
        chosen = self._chance.choice(processes)
        forked = _children(chosen)
        blow = Blow(chosen.pid, how, time.monotonic(), is_template=is_template,
                    forked=frozenset(child.pid for child in forked))
        with suppress(psutil.NoSuchProcess):
            chosen.send_signal(signal.SIGKILL if how == KILLED else signal.SIGSTOP)
        self.blows.append(blow)
        self._watched.append((blow, [chosen, *forked]))
        ends = time.monotonic() + LONGEST_END_S
        while how == KILLED and blow.over == NOT_YET and time.monotonic() < ends:
            time.sleep(0.002)
            self._look()
        return None

    def _pause(self, processes: list[psutil.Process],
               is_template: bool = False) -> Optional[str]:
        # One that is stopped for good would go on after it.
        processes = _going_on(processes)
        if not processes:
            return 'nothing'
        chosen = self._chance.choice(processes)
        blow = Blow(chosen.pid, PAUSED, time.monotonic(), is_template=is_template)
        with suppress(psutil.NoSuchProcess):
            chosen.suspend()
            time.sleep(PAUSE_S * self._chance.random())
            chosen.resume()
        blow.over = time.monotonic()
        self.blows.append(blow)
        return None

    def _look(self) -> None:
        """Note which of those that were to end have ended, with all that they had forked."""
        for blow, processes in self._watched:
            if not any(_is_there(process) for process in processes):
                blow.over = time.monotonic()
        self._watched = [one for one in self._watched if one[0].over == NOT_YET]

    def _replace(self) -> Optional[str]:
        self._version = 1 - self._version
        archive = str(self._model.archives[self._version])
        return self._manage(lambda: self._management.replace(NAME, archive))

    def _scale(self) -> Optional[str]:
        number = self._chance.randint(1, MOST_WORKERS)
        return self._manage(lambda: self._management.scale(NAME, number))

    def _manage(self, ask: Callable[[], object]) -> Optional[str]:
        try:
            ask()
        except ManagementError as error:
            self.done['refused by a full disk' if self._is_full else 'refused'] += 1
            if not self._is_full:
                self.failed.append(str(error))
            return 'refused'
        return None

    def _slow_disk(self) -> None:
        self._is_full = False
        self._disk.be_slow(SLOW_MS)

    def _full_disk(self) -> None:
        self._is_full = True
        self._disk.be_full()


def _children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return list(process.children())
    return []


def _is_called(process: psutil.Process, name: str) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.name() == name and process.status() != psutil.STATUS_ZOMBIE
    return False


def _going_on(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that are not stopped."""
    found = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_STOPPED:
                found.append(process)
    return found


def _is_there(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False

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
from chaos_models import NAME, EchoModel

from mms.client.management_client import ManagementClient, ManagementError

# How long a process is stopped that goes on, and how long each operation of a slow disk takes.
PAUSE_S = 0.5
SLOW_MS = 200
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
    ended
        Processes that were killed, or stopped for so long that the server has to end them; each
        with those that were forked from it.
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
        self.ended: set[int] = set()
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
        """Take an action, unless there is nothing to take it on."""
        if self.actions[name]() != 'nothing':
            self.done[name] += 1

    def recover(self) -> None:
        """Have the disk well again."""
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
        return self._signal(self.workers(), signal.SIGKILL)

    def _stop_worker(self) -> Optional[str]:
        return self._signal(self.workers(), signal.SIGSTOP)

    def _pause_worker(self) -> Optional[str]:
        return self._pause(self.workers())

    def _kill_template(self) -> Optional[str]:
        return self._signal(self.templates(), signal.SIGKILL)

    def _stop_template(self) -> Optional[str]:
        return self._signal(self.templates(), signal.SIGSTOP)

    def _pause_template(self) -> Optional[str]:
        return self._pause(self.templates())

    def _signal(self, processes: list[psutil.Process], number: signal.Signals) -> Optional[str]:
        if not processes:
            return 'nothing'
        chosen = self._chance.choice(processes)
        self.ended |= {chosen.pid, *(child.pid for child in _children(chosen))}
        with suppress(psutil.NoSuchProcess):
            chosen.send_signal(number)
        return None

    def _pause(self, processes: list[psutil.Process]) -> Optional[str]:
        if not processes:
            return 'nothing'
        chosen = self._chance.choice(processes)
        with suppress(psutil.NoSuchProcess):
            chosen.suspend()
            time.sleep(PAUSE_S * self._chance.random())
            chosen.resume()
        return None

    def _replace(self) -> None:
        self._version = 1 - self._version
        archive = str(self._model.archives[self._version])
        self._manage(lambda: self._management.replace(NAME, archive))

    def _scale(self) -> None:
        number = self._chance.randint(1, MOST_WORKERS)
        self._manage(lambda: self._management.scale(NAME, number))

    def _manage(self, ask: Callable[[], object]) -> None:
        try:
            ask()
        except ManagementError as error:
            self.done['refused by a full disk' if self._is_full else 'refused'] += 1
            if not self._is_full:
                self.failed.append(str(error))

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

"""What this process may use of its machine: processors and memory, as containers limit them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Optional

import psutil

_CGROUPS = Path('/sys/fs/cgroup')
_SELF = Path('/proc/self/cgroup')
MEGABYTE = 1024**2
# Of the memory that is free when the server starts: the models' workers have the rest.
_BUFFER_SHARE = 4


class Resources(NamedTuple):
    """What may be used.

    Attributes
    ----------
    cores
        Processors, 1 or more.
    free_bytes
        Memory that is not in use.
    threads
        Most threads that one worker may compute on.
    """

    cores: int
    free_bytes: int
    threads: int


def raise_file_limit() -> None:
    """Let this process have as many open files, and so connections, as it may give itself."""
    # Not on every system; a hard limit of infinity is refused on some.
    with suppress(ImportError, OSError, ValueError):
        limits = import_module('resource')
        hard = limits.getrlimit(limits.RLIMIT_NOFILE)[1]
        limits.setrlimit(limits.RLIMIT_NOFILE, (hard, hard))


def file_limit() -> int:
    """How many files this process may have open."""
    with suppress(ImportError, OSError, ValueError):
        limits = import_module('resource')
        soft = limits.getrlimit(limits.RLIMIT_NOFILE)[0]
        if soft != limits.RLIM_INFINITY:
            return int(soft)
    return sys.maxsize


def usable() -> Resources:
    """What affinity, cgroup limits and ``OMP_NUM_THREADS`` leave of the machine."""
    cores = usable_cores()
    return Resources(cores, free_bytes(), min(cores, _omp_threads() or cores))


def usable_cores(cgroups: Path = _CGROUPS, own: Path = _SELF) -> int:
    """Processors of the affinity mask, or fewer where a cgroup (v1 or v2) has a quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else \
        os.cpu_count() or 1
    quotas = [_quota(folder) for folder in _folders(cgroups, own)]
    return max(1, int(min([float(cores), *(quota for quota in quotas if quota is not None)])))


def free_bytes(cgroups: Path = _CGROUPS, own: Path = _SELF) -> int:
    """Memory that can be used without swapping, or less where a cgroup has a limit."""
    limits = [_left_bytes(folder) for folder in _folders(cgroups, own)]
    available = int(psutil.virtual_memory().available)
    return max(0, min([available, *(limit for limit in limits if limit is not None)]))


def buffer_bytes(least: int) -> int:
    """How much memory requests and answers may have on their way through this process."""
    return max(least, free_bytes() // _BUFFER_SHARE)


def memory_bytes(cgroups: Path = _CGROUPS, own: Path = _SELF) -> int:
    """Memory of the machine, or less where a cgroup has a limit."""
    limits = [int(words[0]) for folder in _folders(cgroups, own)
              for name in ('memory.max', 'memory.limit_in_bytes')
              if (words := _words(folder / name)) and words[0].isdecimal()]
    return min([int(psutil.virtual_memory().total), *limits])


def _folders(cgroups: Path, own: Path) -> Iterator[Path]:
    """The folders of this process's own cgroups, and of those that hold them."""
    with suppress(OSError):
        for line in own.read_text(encoding='utf-8', errors='replace').splitlines():
            _, controllers, path = line.split(':', 2)
            roots = [cgroups] if not controllers else [
                cgroups / controllers, *(cgroups / name for name in controllers.split(','))]
            for root in roots:
                folder = root / path.lstrip('/')
                # In a container the path may be the host's, and the root be the container's own.
                yield from dict.fromkeys([folder, *(parent for parent in folder.parents
                                                    if root in (parent, *parent.parents)), root])


def _quota(folder: Path) -> Optional[float]:
    """Processors that the cgroup of a folder may use; None for no limit."""
    words = _words(folder / 'cpu.max')
    if not words:
        words = _words(folder / 'cpu.cfs_quota_us') + _words(folder / 'cpu.cfs_period_us')
    if len(words) != 2 or not words[0].isdecimal() or not int(words[1]):
        return None
    return int(words[0]) / int(words[1])


def _left_bytes(folder: Path) -> Optional[int]:
    """Bytes that the cgroup of a folder may still use; None for no limit."""
    for limit_name, used_name, cache_name in (
            ('memory.max', 'memory.current', 'inactive_file'),
            ('memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file')):
        limit, used = _words(folder / limit_name), _words(folder / used_name)
        if limit and used and limit[0].isdecimal():
            return int(limit[0]) - int(used[0]) + _statistic(folder, cache_name)
    return None


def _statistic(folder: Path, name: str) -> int:
    words = _words(folder / 'memory.stat')
    return int(words[words.index(name) + 1]) if name in words else 0


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding='utf-8').split()
    except OSError:
        return []


def _omp_threads() -> Optional[int]:
    text = os.environ.get('OMP_NUM_THREADS', '').split(',')[0].strip()
    return int(text) if text.isdecimal() and int(text) else None

"""Processes and their children: the cores they may use, their memory, their end."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

REPO = Path(__file__).resolve().parent.parent
# What would make one contender's process unlike another's if the shell had set it.
THREAD_VARIABLES = ('OMP_NUM_THREADS', 'MXNET_ENGINE_TYPE', 'MXNET_CPU_WORKER_NTHREADS',
                    'PYTHONPATH')
# Below 32768: where Linux begins to take clients' ports from, and all that
# multi-model-server accepts.
PORTS = range(20000, 32000)
POLITE_STOP_S = 20
REST_STOP_S = 5
# User, system, and both of the children that ended; what is waited for disks comes behind.
OF_CPU = 4


class BenchmarkError(Exception):
    """What a person has to mend before there are figures, or a contender that failed."""


def end_on_sigterm() -> None:
    """Turn SIGTERM into an exit that stops the servers on its way."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def plain_environment(**changes: str) -> dict[str, str]:
    """Return this process's environment without what steers threads, and with `changes`."""
    kept = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
    return {**kept, 'no_proxy': '127.0.0.1', **changes}


def free_port() -> int:
    """Return a port of the loopback address that nothing listens on."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(('127.0.0.1', port))
            return port
    raise BenchmarkError('no port is free')


@contextlib.contextmanager
def running(command: Sequence[str], folder: Path, environment: Mapping[str, str],
            output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in `folder`, with what it prints in `output`; stop its tree at the end."""
    with output.open('wb') as file:
        process = subprocess.Popen(command, cwd=folder, env=dict(environment), stdout=file,
                                   stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                   start_new_session=True)
        try:
            yield process
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process politely, and then whatever is left of its children."""
    children = tree(process.pid)[1:]
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(POLITE_STOP_S)
    _, left = psutil.wait_procs(children, timeout=1)
    for child in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.terminate()
    _, left = psutil.wait_procs(left, timeout=REST_STOP_S)
    for child in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    if process.poll() is None:
        process.kill()
    process.wait()


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and its descendants, itself first; empty once it has ended."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def pause(pid: int) -> None:
    """Stop a process and its descendants where they are: some are busy while nobody asks them."""
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()


def go_on(pid: int) -> None:
    """Let them go on, the last first: none finds its children standing."""
    for process in reversed(tree(pid)):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


def pss_mb(pid: int) -> float:
    """Memory of a process and its descendants in 2**20 bytes, each shared page counted once."""
    total = 0
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total / 2**20


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and its descendants so far, of those that ended too."""
    total = 0.0
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:OF_CPU])
    return total


def own_cpu_s(pid: int) -> float:
    """Processor seconds of one process so far, without any other."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def machine_cpu_s() -> float:
    """Processor seconds of everything that has run on this machine."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - times.iowait - times.guest - times.guest_nice - times.steal

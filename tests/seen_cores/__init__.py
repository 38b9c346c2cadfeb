"""Processes that see another number of cores than there are.

MXNet, OpenMP, OpenBLAS and OpenCV start threads by the cores that they see, and the server
chooses its workers by them: with :func:`environment` any machine is one of 16 cores, or of 64,
in all but speed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

from preloaded import compiled

SOURCE = Path(__file__).with_name('seen_cores.c')


def environment(cores: int, allowed: Optional[int] = None) -> dict[str, str]:
    """Variables for a process that is to see so many cores.

    Parameters
    ----------
    cores
        Those of the machine.
    allowed
        Those that the process may run on; None for all.

    Raises
    ------
    subprocess.CalledProcessError
        The library cannot be compiled.
    FileNotFoundError
        There is no C compiler.
    """
    preload = ':'.join(filter(None, [str(compiled(SOURCE)), os.environ.get('LD_PRELOAD')]))
    return {'LD_PRELOAD': preload, 'SEEN_CORES': str(cores), 'SEEN_ALLOWED': str(allowed or cores)}

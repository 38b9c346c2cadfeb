"""The cores that a process has: all, the first few of them, or as many as it is shown."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from processes import REPO, BenchmarkError

# Holds itself to cores, and becomes the command that follows them.
HOLD = ('import os, sys; os.sched_setaffinity(0, map(int, sys.argv[1].split(","))); '
        'os.execvp(sys.argv[2], sys.argv[2:])')


@dataclass(frozen=True)
class Place:
    """Words before a command, and variables, that give its processes their cores."""

    cores: int
    before: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    def command(self, words: Sequence[str]) -> list[str]:
        """Return the command that runs `words` there; it keeps its process id."""
        return [*self.before, *words]


def anywhere() -> Place:
    """Return the cores that this process may use."""
    return Place(len(os.sched_getaffinity(0)))


def held(cores: int) -> Place:
    """Return the first so many of the cores that this process may use.

    Raises
    ------
    BenchmarkError
        There are fewer.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if cores > len(allowed):
        raise BenchmarkError(f'{cores} cores are asked for, and {len(allowed)} are there '
                             '(--seen shows a server more than there are)')
    first = ','.join(map(str, allowed[:cores]))
    return Place(cores, (sys.executable, '-I', '-S', '-c', HOLD, first))


def seen(cores: int) -> Place:
    """Return so many cores that a process only sees; it runs on those that there are.

    Raises
    ------
    BenchmarkError
        What shows them cannot be compiled.
    """
    tests = str(REPO / 'tests')
    if tests not in sys.path:
        # Last: folders there are called as modules elsewhere.
        sys.path.append(tests)
    from seen_cores import environment

    try:
        return Place(cores, variables=environment(cores))
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchmarkError(f'--seen needs a C compiler: {error}') from error

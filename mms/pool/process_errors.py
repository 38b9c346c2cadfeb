"""Why a process of a model does not load, or does not answer."""

from __future__ import annotations

import signal
from typing import Optional

from mms.errors import ServiceError


class WorkerGone(Exception):
    """The process ended; the text says how."""


class NotSent(WorkerGone):
    """It ended before it had the message whole: another may have it."""


class WorkerKilled(WorkerGone):
    """Something else ended it, whatever it was at: a SIGKILL, its template, or the front itself."""


class NoAnswer(Exception):
    """The process has not answered in time."""


class DiedEarly(ServiceError):
    """The process ended before it had loaded its model."""


class Unlaunchable(ServiceError):
    """The model cannot be loaded by a process that was forked from the launcher."""


class LaunchFailed(ServiceError):
    """The launcher has not started a process, which says nothing of the model."""


class WarmUpFailed(ServiceError):
    """The model is loaded, but ends its process, or hangs, when it is run for the first time."""


def described(status: Optional[int]) -> str:
    """How a process ended, by its exit status; less than 0 is a signal, and None is not known."""
    if status is None:
        return 'it closed its connection'
    if status >= 0:
        return f'exit status {status}'
    try:
        return f'signal {-status}, {signal.Signals(-status).name}'
    except ValueError:
        return f'signal {-status}'

"""What the front process and the processes of a model say to each other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Union

from mms.devices.device import Device
from mms.ipc.findings import Findings, Fusion
from mms.ipc.request import Answer, Failure, Request


@dataclass(frozen=True)
class Load:
    """Front to a process, once: the model to load.

    Attributes
    ----------
    device
        Where to run; None for the processors, shared by all workers.
    warm_up
        Whether to run the model once, and measure it, before it is ready.
    threads
        Numbers of threads that its workers may compute on, the smallest first; of several a
        template finds out which pay.
    optimize
        Whether Gluon networks may be fused.
    batch_size
        Most requests that are run together; None to find out what pays.
    strict
        Whether a model that does not answer a made-up request is not to be served.
    explored
        Whether another process has found out what there is to know, `batch_size` included, and
        this one is a worker.
    answered
        Of what was found out there: which of the requests that can be made up the service has
        answered, and had best be warmed up with; None where it answers none.
    report_memory
        Whether each :class:`Result` is to say how much memory the process has.
    max_form_fields
        Most fields and files of a form.
    later
        Whether a process that can be forked is ready when it has answered, and what pays is
        measured when :class:`Explore` asks for it.
    fused
        Forms of its networks that are known to be faster.
    """

    endpoint: str
    model_name: str
    model_dir: str
    manifest: dict[str, Any]
    service_file: str
    device: Union[Device, None]
    max_image_pixels: int
    warm_up: bool = True
    threads: Sequence[int] = (1,)
    optimize: bool = True
    batch_size: Union[int, None] = None
    strict: bool = False
    explored: bool = False
    answered: Union[int, None] = None
    report_memory: bool = False
    max_form_fields: int = sys.maxsize
    later: bool = False
    fused: Sequence[Fusion] = ()


@dataclass(frozen=True)
class Loaded:
    """Process to front: the service is constructed, and waits for :class:`WarmUp`.

    Attributes
    ----------
    measures
        Whether it then measures what pays, for which it needs the cores to itself.
    """

    measures: bool = True


@dataclass(frozen=True)
class WarmUp:
    """Front to process: the cores are yours, run the model for the first time, and measure it."""


@dataclass(frozen=True)
class Ready:
    """Process to front, once: the model is loaded and answers. A process that measures says so
    twice: when it is known how many requests may run together, and when all is.

    The signature is the live one, since a service may change or replace it.

    Attributes
    ----------
    unforkable
        Why no worker can be forked from this process; an empty string when it can be.
    batch_size
        Most requests that it pays to run together; 1 when they are run one by one.
    levels
        Numbers of threads on which a single request is answered sooner than on the one before, the
        smallest first; none where its workers cannot compute on several: it computes without
        MXNet, or has not been run.
    proven
        Whether the service says of itself that running them together changes no answer.
    spoiled
        Why this process must take no request, as the warm-up has changed its answers; an empty
        string when it may.
    answered
        The same, for :class:`Load`.
    answers_samples
        Whether the service has answered zeros, noise or samples as its signature describes them.
    why_alone
        Why requests run one by one; an empty string where they may run together.
    is_measured
        Whether it is known what pays; otherwise :class:`Explore` finds it out.
    findings
        What was measured; None where nothing was.
    disturbed
        Whether other processes had much of the time in which it was measured.
    """

    signature: dict[str, Any]
    service_class: str
    unforkable: str = ''
    batch_size: int = 1
    levels: Sequence[int] = ()
    proven: bool = False
    spoiled: str = ''
    answered: Union[int, None] = None
    answers_samples: bool = False
    why_alone: str = ''
    is_measured: bool = True
    findings: Union[Findings, None] = None
    disturbed: bool = False


@dataclass(frozen=True)
class Fork:
    """Front to template: fork a worker of so many threads. Three descriptors follow."""

    threads: int


@dataclass(frozen=True)
class Explore:
    """Front to template: fork a process that measures what pays, says so in :class:`Ready`
    messages, and ends. Three descriptors follow.

    Attributes
    ----------
    known
        What was measured before, and has only to be proven; None where nothing is known.
    """

    known: Union[Findings, None] = None


@dataclass(frozen=True)
class Forked:
    """Template to front: the process id of a new process, or the reason why there is none."""

    pid: int
    reason: str = ''


@dataclass(frozen=True)
class Fuse:
    """Front to template: give your networks the forms that are known to be faster, where this
    changes no answer.
    """

    fused: Sequence[Fusion]


@dataclass(frozen=True)
class Fused:
    """Template to front: that is done; whether any network has another form now."""

    changed: bool


@dataclass(frozen=True)
class Import:
    """Front to launcher: import MXNet, for the models that are launched from now on."""


@dataclass(frozen=True)
class Imported:
    """Launcher to front, when it has begun, and again after :class:`Import`: it has imported what
    models need, and can be forked; or the reason why it cannot.
    """

    unforkable: str = ''


@dataclass(frozen=True)
class Launch:
    """Front to launcher: fork a process of a model, which is answered as :class:`Fork` is. Three
    descriptors follow.

    Attributes
    ----------
    log_level
        Lowest level that it logs.
    """

    endpoint: str
    log_level: int


@dataclass(frozen=True)
class Unsuited:
    """Process to front, in place of :class:`Loaded`: why its model has to be loaded by a process
    that was not forked.
    """

    reason: str


@dataclass(frozen=True)
class Reap:
    """Front to template: has this worker ended?"""

    pid: int


@dataclass(frozen=True)
class Reaped:
    """Template to front: a worker's exit status, -N for signal N; None while it runs."""

    status: Union[int, None]


ALONE, TRIAL, JOINT = 'alone', 'trial', 'joint'


@dataclass(frozen=True)
class Work:
    """Front to worker: requests to answer.

    Attributes
    ----------
    requests
        One or more; none only in answer to :class:`More`.
    how
        `ALONE`: one after the other. `TRIAL`: the same, and when they are answered their
        ``_inference`` once more together, to compare. `JOINT`: together.
    room
        How many more the worker may ask for before it runs them together.
    """

    requests: Sequence[Request]
    how: str = ALONE
    room: int = 0


@dataclass(frozen=True)
class More:
    """Worker to front: up to so many more requests could join those in hand."""

    room: int


@dataclass(frozen=True)
class Answered:
    """Worker to front: some of the requests in hand are answered, the others will be.

    Attributes
    ----------
    places
        Which they are: 0 for the first request of the first :class:`Work`, those that joined
        behind it.
    answers
        One a place.
    """

    places: Sequence[int]
    answers: Sequence[Answer]


@dataclass(frozen=True)
class Result(Answered):
    """Worker to front: the answers that are left; none of the requests in hand is without one.

    Attributes
    ----------
    compared
        Of a trial: whether the two ways could be compared.
    refusal
        Why the service's requests cannot be run together, when that has shown.
    memory_bytes
        Private memory of the worker, if the front wants to know.
    """

    compared: bool = False
    refusal: str = ''
    memory_bytes: int = 0


@dataclass(frozen=True)
class Measure:
    """Front to worker: run made-up requests, so many together, for so long, and once at least."""

    batch_size: int
    seconds: float


@dataclass(frozen=True)
class Measured:
    """Worker to front: how many requests a second that were; 0 where they cannot be run."""

    requests_per_s: float


@dataclass(frozen=True)
class Ping:
    """Front to worker: is the service well?"""


@dataclass(frozen=True)
class Pong:
    """Worker to front: what the service's ``ping`` said; an empty reason means well."""

    reason: str


Message = Union[Load, Loaded, Ready, Fork, Forked, Explore, Fuse, Fused, Reap, Reaped, Work, More,
                Answered, Result, Failure, WarmUp, Measure, Measured, Ping, Pong,
                Import, Imported, Launch, Unsuited]

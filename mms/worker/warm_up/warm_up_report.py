"""What was found out of a service before it takes requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

from mms.ipc.findings import Findings
from mms.worker.warm_up.first_answer import FirstAnswer


@dataclass
class WarmUpReport:
    """What was found out.

    Attributes
    ----------
    sample
        Inputs that the model has answered in this process; None where there was no warm-up.
    batch_size
        Most requests that it pays to run together, and that may; 1 for one by one.
    why_alone
        Why requests run one by one; an empty string where they may run together.
    levels
        Numbers of threads that pay, the smallest first; none where it cannot run on several.
    unforkable
        Why this process cannot be forked; an empty string when it can be.
    spoiled
        Why this process must take no request: the warm-up has changed the answers.
    first_answer
        The answer to a made-up request before anything else was run; None where there is none.
    is_measured
        Whether it is known what pays.
    findings
        What was measured; None where nothing was.
    disturbed
        Whether other processes had much of the time in which it was measured.
    answers_samples
        Whether it has answered what :func:`mms.archive.sample.sample_inputs` makes.
    """

    sample: Optional[list[Any]] = None
    batch_size: int = 1
    why_alone: str = ''
    levels: Sequence[int] = ()
    unforkable: str = ''
    spoiled: str = ''
    first_answer: Optional[FirstAnswer] = None
    is_measured: bool = True
    findings: Optional[Findings] = None
    disturbed: bool = False
    answers_samples: bool = False

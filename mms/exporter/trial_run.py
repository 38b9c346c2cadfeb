"""Load a model in a process of its own, and let it answer one made-up request."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple, Optional

from mms.errors import ServiceError
from mms.runtime.child_python import child_python
from mms.runtime.interrupts import first_interrupt_only, no_interrupts

_CHILD = 'from mms.worker.check import main; sys.exit(main(sys.argv[1:]))'
# The engine of MXNet that a server's workers on the CPU compute in.
_ENVIRONMENT = {'MXNET_ENGINE_TYPE': 'NaiveEngine'}

# Loading takes seconds, or minutes where a service downloads; a model that hangs is not waited for.
_MOST_S = 600
# A status of no HTTP answer.
NOT_ASKED = 0


class Trial(NamedTuple):
    """What came of a made-up request.

    Attributes
    ----------
    service_class
        The class that was loaded.
    status
        HTTP status of the answer; `NOT_ASKED` where the signature tells too little to make up a
        request.
    answer
        The prediction as JSON, or the error's message.
    log
        What the model printed and logged.
    advice
        Mistakes that stop nothing, one line each.
    """

    service_class: str
    status: int
    answer: str
    log: str = ''
    advice: Sequence[str] = ()


class TrialFailed(ServiceError):
    """The model does not load, or its process died; `log` is what it printed before."""

    def __init__(self, message: str, log: str) -> None:
        super().__init__(message)
        self.log = log


def try_model(model_dir: str, workspace: str) -> Trial:
    """Load the model in `model_dir` on the CPU and ask it once.

    Parameters
    ----------
    model_dir
        Folder with the files of a checked archive.
    workspace
        Private folder for what the child reports.

    Raises
    ------
    TrialFailed
    """
    outcome = os.path.join(workspace, 'outcome.json')
    with open(os.path.join(workspace, 'trial.log'), 'w+b') as log:
        status = _run([*child_python(_CHILD), model_dir, outcome, str(os.getpid())], log)
        log.seek(0)
        printed = log.read().decode('utf-8', 'replace')
    try:
        with open(outcome, encoding='utf-8') as file:
            told = json.load(file)
    except (OSError, ValueError):
        raise TrialFailed(_without_answer(status), printed) from None
    if 'refusal' in told:
        raise TrialFailed(told['refusal'], printed)
    return Trial(**told, log=printed)


def _run(words: Sequence[str], log: BinaryIO) -> Optional[int]:
    """Exit status of a process of its own group, of which nothing is left; None for no end."""
    child: Optional[subprocess.Popen[bytes]] = None
    with first_interrupt_only():
        try:
            # An interrupt between its start and its name would leave it behind.
            with no_interrupts():
                child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                         start_new_session=True,
                                         env={**_ENVIRONMENT, **os.environ})
            return child.wait(_MOST_S)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if child is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def _without_answer(status: Optional[int]) -> str:
    if status is None:
        return f'it had not answered within {_MOST_S} seconds'
    if status >= 0:
        manner = f'status {status}'
    else:
        manner = next((number.name for number in signal.Signals if number == -status),
                      f'signal {-status}')
    return f'its process ended with {manner} before it had answered'

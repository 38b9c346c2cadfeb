"""What MXNet sees of GPUs, asked of a process that ends: the front never imports it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any, Optional

from mms.devices.device import VisibleGPUs
from mms.runtime.model_identity import Identity

_LOOK = 'from mms.worker.devices.visible_gpus import main; main()'
# An import takes a second or two; a driver that hangs is not waited for.
_LONGEST_S = 60.0
# To compute on a card takes 0.2 s where its context is there; to make one, some seconds on a
# machine of many cards.
_LONGEST_EACH_S = 20.0
_MOST_IN_A_MACHINE = 16


def probe_gpus(wanted: Sequence[int] = (), identity: Optional[Identity] = None) -> VisibleGPUs:
    """Ask MXNet. Takes some seconds, in which nothing else happens in this thread.

    Parameters
    ----------
    wanted
        Numbers of the GPUs that are to compute something, as far as there are such; none for all.
    identity
        Who asks; None for the user of this process.
    """
    longest_s = _LONGEST_S + _LONGEST_EACH_S * (len(wanted) or _MOST_IN_A_MACHINE)
    identity = identity or Identity()
    command = [*identity.python(_LOOK), *map(str, wanted)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=longest_s, env=identity.environment(),
                              **identity.arguments())
    except subprocess.TimeoutExpired as error:
        return VisibleGPUs(failure=f'MXNet does not answer within {longest_s:.0f} s'
                                   f'{_where(error.stdout or b"")}')
    except OSError as error:
        return VisibleGPUs(failure=f'no process can be started: {error.strerror}')
    if done.returncode:
        words = done.stderr.decode('utf-8', 'replace').split('\n')
        last = next((line.strip() for line in reversed(words) if line.strip()), '')
        ended = f'MXNet ends with status {done.returncode}{_where(done.stdout)}'
        return VisibleGPUs(failure=f'{ended}: {last}')
    return VisibleGPUs(**_last(done.stdout))


def _where(output: bytes) -> str:
    """Where it was when it ended, for a message."""
    last = _last(output)
    return f' on GPU {last["at"]}' if 'at' in last else ''


def _last(output: bytes) -> dict[str, Any]:
    """The last line that is one of the process's own: MXNet may print some, too."""
    for line in reversed(output.splitlines()):
        if line.startswith(b'{') and line.endswith(b'}'):
            told: dict[str, Any] = json.loads(line)
            return told
    return {}

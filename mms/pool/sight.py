"""What MXNet sees of GPUs, asked of a process that ends: the front never imports it."""

from __future__ import annotations

import json
import subprocess

from mms.child_python import child_python
from mms.devices import Sight

_LOOK = 'from mms.worker.sight import main; main()'
# An import takes a second or two; a driver that hangs is not waited for.
_LONGEST_S = 60.0


def look() -> Sight:
    """Ask MXNet. Takes a second or two, in which nothing else happens in this thread."""
    try:
        done = subprocess.run(child_python(_LOOK), stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=_LONGEST_S)
    except subprocess.TimeoutExpired:
        return Sight(trouble=f'MXNet does not answer within {_LONGEST_S:.0f} s')
    except OSError as error:
        return Sight(trouble=f'no process can be started: {error.strerror}')
    if done.returncode:
        words = done.stderr.decode('utf-8', 'replace').split('\n')
        last = next((line.strip() for line in reversed(words) if line.strip()), '')
        return Sight(trouble=f'MXNet ends with status {done.returncode}: {last}')
    # What MXNet itself may print comes before.
    return Sight(**json.loads(done.stdout.splitlines()[-1]))

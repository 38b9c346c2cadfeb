"""The process that tells the front, in one line of JSON, what MXNet sees of GPUs."""

from __future__ import annotations

import json
import os
import sys

from mms.devices import Sight
from mms.model_service.reasons import reason_of


def main() -> None:
    """Print what MXNet sees, as the last line."""
    sys.dont_write_bytecode = True
    print(json.dumps(see()._asdict()))


def see() -> Sight:
    """What MXNet sees, also where it cannot even be imported."""
    try:
        from mms.model_service.device import sight
    except (ImportError, OSError) as error:
        # The wheels for CUDA need its libraries, and the driver's, to be imported at all.
        return Sight(trouble=reason_of(error), visible=os.environ.get('CUDA_VISIBLE_DEVICES'))
    return sight()

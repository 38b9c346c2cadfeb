"""The console scripts; ``python -m mms`` is the same as ``mxnet-model-server``."""

from __future__ import annotations

import sys

from mms.runtime.utf8 import start_in_utf8


def main() -> int:
    """Run ``mxnet-model-server`` and return its exit status."""
    start_in_utf8()
    try:
        from mms.mxnet_model_server import main as serve
    except KeyboardInterrupt:
        # What it imports takes a moment.
        return 130
    return serve()


def export() -> int:
    """Run ``mxnet-model-export`` and return its exit status."""
    start_in_utf8()
    try:
        from mms.export_model import main as pack
    except KeyboardInterrupt:
        return 130
    return pack()


if __name__ == '__main__':
    sys.exit(main())

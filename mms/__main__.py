"""The console scripts; ``python -m mms`` is the same as ``mxnet-model-server``."""

from __future__ import annotations

import sys
from collections.abc import Callable

from mms.runtime.completion import complete, is_completing, words_so_far
from mms.runtime.interrupts import heed_children, hold_reloads
from mms.runtime.utf8 import start_in_utf8


def main() -> int:
    """Run ``mxnet-model-server`` and return its exit status."""
    if is_completing():
        _complete()
    start_in_utf8()
    try:
        # What it imports takes a moment.
        run = _command()
    except KeyboardInterrupt:
        return 130
    return run()


def export() -> int:
    """Run ``mxnet-model-export`` and return its exit status."""
    if is_completing():
        from mms.config.export_parser import export_command
        complete(export_command())
    start_in_utf8()
    try:
        from mms.export_model import main as pack
    except KeyboardInterrupt:
        return 130
    return pack()


def predict() -> int:
    """Run ``mxnet-model-predict`` and return its exit status."""
    if is_completing():
        from mms.predict_command.parser import predict_parser
        complete(predict_parser())
    start_in_utf8()
    try:
        from mms.predict_command.command import main as ask
    except KeyboardInterrupt:
        return 130
    return ask()


def _command() -> Callable[[], int]:
    """What the first word asks for; options alone are for the server."""
    if sys.argv[1:2] == ['models']:
        from mms.management_command.command import main as models
        return models
    hold_reloads()
    heed_children()
    from mms.mxnet_model_server import main as serve
    return serve


def _complete() -> None:
    if words_so_far()[1:2] == ['models']:
        from mms.management_command.parser import models_parser
        complete(models_parser(), 1)
    else:
        from mms.config.server_parser import server_command
        complete(server_command())


if __name__ == '__main__':
    sys.exit(main())

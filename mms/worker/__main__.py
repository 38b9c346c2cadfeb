"""The process that holds one model.

Started by the front process with two inherited sockets: one for messages, one
for log lines. Exit status 0 after a clean end, 1 when the model did not load.
"""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import signal
import socket
import sys
import traceback
from typing import Any, Optional

from mms import mxnet_compat
from mms.archive.signature import validate_signature
from mms.errors import ServiceError, StartupError
from mms.log import configure_worker
from mms.wire import Channel, ChannelClosed, Failure, Load, Ready
from mms.worker.loop import serve
from mms.worker.service_loader import build_service, load_service_class

logger = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1


def main(argv: Optional[list[str]] = None) -> int:
    """Load the model that the front names, then serve it until the front is gone."""
    args = _parser().parse_args(argv)
    _die_with(args.parent)
    sys.dont_write_bytecode = True
    configure_worker(args.log_fd, args.log_level)
    sock = socket.socket(fileno=args.fd)
    # The front's gevent made both ends non-blocking; this end has its own flag.
    sock.setblocking(True)
    channel = Channel(sock)
    try:
        return _run(channel)
    except ChannelClosed:
        return 0


def _run(channel: Channel) -> int:
    load = channel.receive()
    assert isinstance(load, Load)
    try:
        service = _load(load)
        signature = validate_signature(service.signature, 'the signature of its service')
        ready = Ready(signature, type(service).__name__)
    except StartupError as error:
        channel.send(Failure(ServiceError.__name__, str(error)))
        return 1
    except (Exception, SystemExit) as error:
        logger.debug(traceback.format_exc())
        channel.send(Failure(ServiceError.__name__, f'{type(error).__name__}: {error}'))
        return 1
    channel.send(ready)
    serve(channel, service, load.max_image_pixels)
    return 0


def _load(load: Load) -> Any:
    mxnet_compat.prepare()
    sys.path.extend([load.model_dir, os.path.dirname(os.path.abspath(load.service_file))])
    cls = load_service_class(load.service_file, load.manifest['Model']['Model-Format'])
    return build_service(cls, load.model_name, load.model_dir, load.manifest, load.gpu)


def _die_with(parent: int) -> None:
    """End this process when the front ends, even from SIGKILL and inside a hook.

    Elsewhere than on Linux the end of the message socket does it, after the
    request in hand.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == 'linux':
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='mms.worker')
    parser.add_argument('--model', help='name of the endpoint, for those who read `ps`')
    parser.add_argument('--fd', type=int, required=True)
    parser.add_argument('--log-fd', type=int, required=True)
    parser.add_argument('--log-level', type=int, required=True)
    parser.add_argument('--parent', type=int, required=True)
    return parser


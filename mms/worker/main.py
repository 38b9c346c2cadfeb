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
from io import TextIOWrapper
from typing import Any, Optional, cast

from mms import mxnet_compat
from mms.errors import ServiceError, StartupError
from mms.log import configure_worker
from mms.wire import Channel, ChannelClosed, Failure, Load, Ready
from mms.worker.loop import serve
from mms.worker.service_loader import build_service, import_folders, load_service_class
from mms.worker.signature import live_signature

logger = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
# Where all processes get one of these, the front lets the worker finish first.
_FOR_THE_FRONT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(argv: Optional[list[str]] = None) -> int:
    """Load the model that the front names, then serve it until the front is gone."""
    args = _parser().parse_args(argv)
    _die_with(args.parent)
    sys.dont_write_bytecode = True
    for fd in (args.fd, args.log_fd):
        os.set_inheritable(fd, False)
    configure_worker(args.log_fd, args.log_level)
    cast(TextIOWrapper, sys.stdout).reconfigure(line_buffering=True)
    sock = socket.socket(fileno=args.fd)
    _keep_from_forks(sock)
    # The front's gevent made both ends non-blocking; this end has its own flag.
    sock.setblocking(True)
    try:
        return _run(Channel(sock))
    except ChannelClosed:
        return 0
    except BaseException:
        logger.exception('The worker itself failed')
        # A thread of the service would keep a process alive that serves nothing.
        os._exit(1)


def _run(channel: Channel) -> int:
    load = channel.receive()
    assert isinstance(load, Load)
    try:
        service = _load(load)
        ready = Ready(live_signature(service.signature), type(service).__name__)
    except StartupError as error:
        logger.debug('Model %s does not load', load.endpoint, exc_info=True)
        channel.send(Failure(ServiceError.__name__, str(error)))
        return 1
    except (Exception, SystemExit) as error:
        logger.debug('Model %s does not load', load.endpoint, exc_info=True)
        channel.send(Failure(ServiceError.__name__, f'{type(error).__name__}: {error}'))
        return 1
    channel.send(ready)
    serve(channel, service, load.max_image_pixels)
    return 0


def _load(load: Load) -> Any:
    mxnet_compat.prepare()
    sys.path.extend(import_folders(load.service_file, load.model_dir))
    cls = load_service_class(load.service_file, load.manifest['Model']['Model-Format'])
    return build_service(cls, load.model_name, load.model_dir, load.manifest, load.gpu)


def _keep_from_forks(sock: socket.socket) -> None:
    """The front learns of this process's death by the end of the socket: a process that a
    service forks must not hold it open. It may also be terminated as any other.
    """

    def let_go() -> None:
        with open(os.devnull, 'wb') as nothing:
            os.dup2(nothing.fileno(), sock.fileno(), inheritable=False)
        for number in _FOR_THE_FRONT:
            signal.signal(number, signal.SIG_DFL)

    os.register_at_fork(after_in_child=let_go)


def _die_with(parent: int) -> None:
    """End this process when the front ends, even from SIGKILL and inside a hook.

    Elsewhere than on Linux the end of the message socket does it, after the
    request in hand.
    """
    # Handlers, since what is ignored would be ignored by the programs of a service too.
    for number in _FOR_THE_FRONT:
        signal.signal(number, lambda *_: None)
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


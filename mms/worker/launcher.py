"""The process that has imported what models need, and forks the processes of models.

Started by the front as those are. MXNet is imported once a model is launched that may use it. No
model is loaded here, and no operator run: no fork loses a thread, or computes with what another has
left.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import NamedTuple, Optional

from mms import mxnet_compat
from mms.ipc.channel import Channel, ChannelClosed
from mms.ipc.messages import Forked, Import, Imported, Launch
from mms.log.setup import configure_worker
from mms.mxnet_compat.preloaded import preload
from mms.mxnet_engine.reasons import reason_of
from mms.runtime.interrupts import heed_children
from mms.runtime.parent import die_with_parent
from mms.runtime.private_memory import trim_malloc
from mms.runtime.process_name import set_command_line, set_process_name
from mms.worker.main import run_model
from mms.worker.processes.fork_safety import Baseline
from mms.worker.processes.launching import fork_model

logger = logging.getLogger(__name__)

# What services are derived from, and what their first request is run with. Of these, what has
# something of MXNet is imported anew, as it looks, when somebody imports it.
_USED = ('mms.model_service.mxnet_vision_service', 'mms.model_service.gluon_vision_service',
         'mms.utils.mxnet.image', 'mms.utils.mxnet.ndarray', 'mms.utils.mxnet.nlp',
         'mms.worker.warm_up.fusion')
# What these, and the warm-up, import at their first use.
_FIRST_USED = ('PIL.BmpImagePlugin', 'PIL.GifImagePlugin', 'PIL.JpegImagePlugin',
               'PIL.PngImagePlugin', 'PIL.PpmImagePlugin', 'encodings.ascii', 'fractions')


class _Launched(NamedTuple):
    """What a process of a model is to run with."""

    channel_fd: int
    log_fd: int
    log_level: int


def main(argv: Optional[list[str]] = None) -> int:
    """Fork the processes of models until the front is gone."""
    args = _parser().parse_args(argv)
    heed_children()
    die_with_parent(args.parent)
    set_process_name('mms-launcher')
    set_command_line('mms-launcher')
    sys.dont_write_bytecode = True
    for fd in (args.fd, args.log_fd):
        os.set_inheritable(fd, False)
    configure_worker(args.log_fd, args.log_level)
    sock = socket.socket(fileno=args.fd)
    # The front's gevent made both ends non-blocking; this end has its own flag.
    sock.setblocking(True)
    try:
        launched = _serve(sock, args.log_fd)
    except ChannelClosed:
        return 0
    return run_model(args.parent, *launched, is_launched=True)


def _serve(sock: socket.socket, log_fd: int) -> _Launched:
    """Import MXNet, and fork, when the front asks for it; return in a fork."""
    channel = Channel(sock)
    with suppress(ImportError):
        # Each model needs it, and those without tell who misses it.
        import_module('numpy')
    _tidy_up()
    channel.send(Imported())
    while True:
        launch = channel.receive()
        if isinstance(launch, Import):
            channel.send(Imported(_imported()))
            continue
        assert isinstance(launch, Launch)
        descriptors = channel.receive_descriptors()
        try:
            pid = fork_model(descriptors, [log_fd], launch.endpoint)
        except OSError as error:
            channel.send(Forked(0, f'no process can be started ({error.strerror})'))
            continue
        if not pid:
            sock.close()
            return _Launched(descriptors[0], descriptors[1], launch.log_level)
        channel.send(Forked(pid))


def _imported() -> str:
    """Import MXNet; why this process cannot be forked, empty where it can."""
    baseline = Baseline()
    mxnet_compat.prepare_services()
    baseline.take_threads('the import of NumPy')
    try:
        for name in _FIRST_USED:
            import_module(name)
        preload(_USED).withhold()
    except Exception as error:
        logger.debug('MXNet is not imported', exc_info=True)
        return f'MXNet cannot be imported ({reason_of(error)})'
    _fork_once()
    found = baseline.excess('the import of MXNet')
    _tidy_up()
    return found


def _tidy_up() -> None:
    """What is garbage now would be looked through, and copied, in each fork."""
    gc.collect()
    gc.freeze()
    trim_malloc()


def _fork_once() -> None:
    """At the first fork MXNet makes the engine that it stops in each, and says which one it is: to
    the log of a model that may not even use it.
    """
    said = os.dup(2)
    with open(os.devnull, 'wb') as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        pid = os.fork()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
    finally:
        os.dup2(said, 2)
        os.close(said)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='mms.worker.launcher')
    parser.add_argument('--fd', type=int, required=True)
    parser.add_argument('--log-fd', type=int, required=True)
    parser.add_argument('--log-level', type=int, required=True)
    parser.add_argument('--parent', type=int, required=True)
    return parser

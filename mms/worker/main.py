"""The process that holds one model.

Started by the front process, or forked from the launcher, with two sockets: one for messages, one
for log lines. Exit status 0 after a clean end, 1 when the model did not load.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from io import TextIOWrapper
from typing import Optional, cast

from mms import mxnet_compat
from mms.errors import ServiceError, StartupError
from mms.ipc.channel import Channel, ChannelClosed
from mms.ipc.findings import Findings, Fusion
from mms.ipc.messages import Load, Loaded, Ready, Unsuited, WarmUp
from mms.ipc.request import Failure
from mms.log.setup import configure_worker
from mms.mxnet_compat import preloaded
from mms.mxnet_engine.reasons import line_in, reason_of
from mms.runtime.interrupts import heed_children
from mms.runtime.parent import die_with_parent
from mms.runtime.process_name import set_process_name
from mms.worker.codecs.codec import Endpoint
from mms.worker.codecs.registry import Codecs
from mms.worker.devices.device_loss import DeviceLost
from mms.worker.loading.readable import check_readable
from mms.worker.loading.service_factory import ServiceFactory
from mms.worker.loop import ModelProcess
from mms.worker.processes.fork_safety import Baseline
from mms.worker.processes.launching import is_of_a_library
from mms.worker.processes.operator_threads import prepare_threads
from mms.worker.processes.parent import close_in_forks
from mms.worker.warm_up.exploration import Exploration
from mms.worker.warm_up.warm_up_report import WarmUpReport

logger = logging.getLogger(__name__)


def main(argv: Optional[list[str]] = None) -> int:
    """Load the model that the front names, then serve it until the front is gone."""
    args = _parser().parse_args(argv)
    heed_children()
    return run_model(args.parent, args.fd, args.log_fd, args.log_level)


def run_model(front: int, channel_fd: int, log_fd: int, log_level: int,
              is_launched: bool = False) -> int:
    """The same in a process that has its descriptors already.

    Parameters
    ----------
    front
        Process id of its parent.
    channel_fd, log_fd
        Its sockets.
    log_level
        Lowest level that it logs.
    is_launched
        Whether it was forked from the launcher.
    """
    die_with_parent(front)
    starter = os.getpid()
    set_process_name('mms-model')
    sys.dont_write_bytecode = True
    for fd in (channel_fd, log_fd):
        os.set_inheritable(fd, False)
    configure_worker(log_fd, log_level)
    cast(TextIOWrapper, sys.stdout).reconfigure(line_buffering=True)
    # A crash in a library says which line of the service was in it.
    faulthandler.enable()
    sock = socket.socket(fileno=channel_fd)
    close_in_forks(sock)
    # The front's gevent made both ends non-blocking; this end has its own flag.
    sock.setblocking(True)
    try:
        return _end(starter, _run(Channel(sock), log_fd, is_launched))
    except ChannelClosed:
        return _end(starter, 0)
    except DeviceLost:
        # What MXNet would do at its end needs the device.
        os._exit(1)
    except BaseException:
        logger.exception('The worker itself failed')
        # A thread of the service would keep a process alive that serves nothing.
        os._exit(1)


def _end(starter: int, status: int) -> int:
    """What the service has arranged for its end is for the process that made it, once: a forked
    worker would remove the temporary folder of them all.
    """
    if os.getpid() == starter:
        return status
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _run(channel: Channel, log_fd: int, is_launched: bool) -> int:
    load = channel.receive()
    assert isinstance(load, Load)
    try:
        process = _load(channel, log_fd, load)
    except StartupError as error:
        logger.debug('Model %s does not load', load.endpoint, exc_info=True)
        if is_launched and is_of_a_library(error):
            channel.send(Unsuited(str(error)))
            return 0
        channel.send(Failure(ServiceError.__name__, str(error)))
        return 1
    except (ChannelClosed, DeviceLost):
        raise
    except BaseException as error:
        logger.debug('Model %s does not load', load.endpoint, exc_info=True)
        line = line_in(error, os.path.dirname(load.service_file))
        channel.send(Failure(ServiceError.__name__, f'{line}{reason_of(error)}'))
        return 1
    process.serve()
    return 0


def _load(channel: Channel, log_fd: int, load: Load) -> ModelProcess:
    baseline = Baseline()
    mxnet_compat.prepare_services()
    prepare_threads(load)
    baseline.take_threads('the import of NumPy')
    check_readable(load)
    withheld = preloaded.find()
    if withheld is not None:
        withheld.unsuited = partial(_leave, channel, os.getpid())
    factory = ServiceFactory(load.service_file, load.model_name, load.model_dir, load.manifest,
                             load.device)
    for line in factory.advice:
        logger.warning('Model %s: %s', load.endpoint, line)

    exploration = Exploration(factory.make, baseline, load)
    if withheld is not None:
        withheld.unsuited = preloaded.warn
    channel.send(Loaded(exploration.measures))
    turn = channel.receive()
    assert isinstance(turn, WarmUp)
    report = exploration.run()
    later = _Later(exploration, report, factory.service_class.__name__, load.answered)
    ready = later.ready(report)
    channel.send(ready)
    service = exploration.service
    return ModelProcess(channel, log_fd, service, ready, report.sample,
                        Codecs(Endpoint(load.endpoint, service, load.max_image_pixels,
                                        load.max_form_fields)),
                        load.report_memory, later)


class _Later:
    """What is found out of a service, now and once it serves."""

    def __init__(self, exploration: Exploration, report: WarmUpReport, service_class: str,
                 answered: Optional[int]) -> None:
        self._exploration = exploration
        self._report = report
        self._service_class = service_class
        self._answered = answered

    def ready(self, report: WarmUpReport) -> Ready:
        service, first = self._exploration.service, report.first_answer
        return Ready(self._exploration.signature, self._service_class, report.unforkable,
                     report.batch_size, report.levels,
                     report.batch_size > 1 and service.batchable is True, report.spoiled,
                     first.other if first else self._answered, report.answers_samples,
                     report.why_alone, report.is_measured, report.findings,
                     report.disturbed)

    def measured(self, known: Optional[Findings]) -> Iterator[Ready]:
        return map(self.ready, self._exploration.measurement.in_steps(self._report, known))

    def fuse(self, forms: Sequence[Fusion]) -> bool:
        return self._exploration.measurement.fuse(self._report, forms)


def _leave(channel: Channel, pid: int, reason: str) -> None:
    """End this process, unless it is a fork of its own: another is to load the model."""
    if os.getpid() == pid:
        channel.send(Unsuited(reason))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='mms.worker')
    parser.add_argument('--model', help='name of the endpoint, for those who read `ps`')
    parser.add_argument('--fd', type=int, required=True)
    parser.add_argument('--log-fd', type=int, required=True)
    parser.add_argument('--log-level', type=int, required=True)
    parser.add_argument('--parent', type=int, required=True)
    return parser


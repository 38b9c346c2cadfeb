"""``mxnet-model-server``: the wiring of all parts, and the way in for embedders."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Optional, Union

import gevent
from gevent.event import Event

from mms.archive.reader import LoadedModel, open_model
from mms.arg_parser import ArgParser
from mms.config.settings import Settings
from mms.devices.device import GPU, Sight
from mms.devices.gpu_probe import look
from mms.errors import StartupError, UsageError
from mms.event_loop.guard import Loop
from mms.event_loop.in_thread import in_thread
from mms.event_loop.uninterrupted import Undo
from mms.frontend.address import host_and_port
from mms.frontend.api.classic import create_app
from mms.frontend.api.openapi import describe
from mms.frontend.http.server import HTTPServer, bind
from mms.frontend.predictor import Counts, Models, Predictor
from mms.frontend.shortcut import Shortcut
from mms.log.setup import FrontLog
from mms.log.uncaught import escape_uncaught
from mms.metrics import Metrics, make_sink
from mms.runtime.byte_budget import Room
from mms.runtime.interrupts import first_interrupt_only
from mms.runtime.programs import Programs
from mms.runtime.resources import buffer_bytes, raise_file_limit
from mms.runtime.signals import StopRequest, run_until_signal
from mms.runtime.streams import is_terminal, open_missing_streams, say
from mms.runtime.utf8 import print_utf8, start_in_utf8
from mms.runtime.workspace import Workspace
from mms.serving.embedding import Embedded, LoopThread, ThreadedMetrics, ThreadedModels
from mms.serving.placement import devices_of
from mms.serving.registry import LocalModels
from mms.terminal.announce import announcement
from mms.terminal.progress import loading_bar

logger = logging.getLogger(__name__)

# Requests that are still in flight this long after the stop are given up.
DRAIN_TIMEOUT_S = 60.0
# What a terminal that is not read has not taken is tried again so often.
_WRITE_ON_S = 0.5
# The answers that say so are small.
_LAST_ANSWERS_S = 1.0


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Console script; returns the exit status."""
    open_missing_streams()
    print_utf8()
    escape_uncaught()
    try:
        # Another Ctrl-C would only interrupt the end of the interpreter.
        status = MMS(args=ArgParser.extract_args(argv))._serve_until_signal(is_last=True)
    except StartupError as error:
        _report(str(error))
        return 1
    if status:
        _report('stopped by a signal before it served')
    return status


def start_serving(app_name: str = 'mms', args: Optional[Sequence[str]] = None) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP.

    Parameters
    ----------
    app_name
        Import name of the Flask application.
    args
        Words of the command line; None for this process's own.

    Raises
    ------
    SystemExit
        The server could not start; the reason was printed.
    """
    open_missing_streams()
    try:
        status = MMS(app_name, args=ArgParser.extract_args(args)).start_model_serving()
    except StartupError as error:
        _report(str(error))
        status = 1
    if status:
        sys.exit(status)


class MMS:
    """A model server, to be run or to be embedded.

    Parameters
    ----------
    app_name
        Import name of the Flask application.
    args
        What :meth:`ArgParser.extract_args` returned, or the words of a command line;
        None for this process's own.
    models
        What :meth:`ModelLoader.load` returned; None to open ``args.models``.

    Raises
    ------
    UsageError
        An argument is missing, unknown, or has a value that cannot be used.
    """

    def __init__(
        self, app_name: str = 'mms',
        args: Union[argparse.Namespace, Sequence[str], None] = None,
        models: Optional[Sequence[tuple[str, str, str, dict[str, Any]]]] = None,
    ) -> None:
        self.args = args if isinstance(args, argparse.Namespace) else ArgParser.parse_words(args)
        self._app_name = app_name
        self._settings = Settings.from_args(self.args)
        self._room = Room(self._settings.max_buffered_bytes
                          or buffer_bytes(self._settings.max_request_bytes))
        self._opened = None if models is None else [LoadedModel(*model) for model in models]
        self._log: Optional[FrontLog] = None
        self._apps: list[Embedded] = []

    def __enter__(self) -> MMS:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_model_serving(self) -> int:
        """Serve until SIGINT, SIGTERM or SIGHUP, which finish the requests in flight.

        Returns
        -------
        int
            Exit status; not 0 when a signal came before the server was up.

        Raises
        ------
        StartupError
            The server could not start; nothing of it is left.
        """
        return self._serve_until_signal()

    def _serve_until_signal(self, is_last: bool = False) -> int:
        if threading.current_thread() is not threading.main_thread():
            raise UsageError('a server that stops at a signal has to run in the main thread: '
                             'elsewhere, give MMS(...).create_app() to a WSGI server')
        with self._failures_logged():
            status = run_until_signal(self._serve if self._settings.gen_api is None
                                      else self._write_client, is_last)
            if status:
                self._fail('stopped by a signal before it served')
        return status

    def create_app(self) -> Any:
        """Load the models and return a WSGI application that serves them.

        It may be run by any WSGI server of this process, threaded or not; the
        workers end with this process, or at :meth:`close`.

        Raises
        ------
        StartupError
            The models could not be loaded; nothing of them is left.
        """
        with first_interrupt_only(), self._failures_logged():
            return self._load_app()

    def close(self) -> None:
        """End what :meth:`create_app` started, and its log; safe to call twice.

        Requests in flight are finished first; later ones are answered 503.
        """
        apps, self._apps = self._apps, []
        with first_interrupt_only(), ExitStack() as closing:
            for app in reversed(apps):
                closing.callback(app.close, DRAIN_TIMEOUT_S)

    @contextmanager
    def _failures_logged(self) -> Iterator[None]:
        try:
            yield
        except StartupError as error:
            self._fail(str(error))
            raise
        except BaseException:
            if self._log is not None:
                self._log.discard()
            raise

    def _fail(self, reason: str) -> None:
        if self._log is not None:
            self._log.fail(reason)

    def _load_app(self) -> Any:
        settings = self._settings
        with Undo() as undo:
            self._log = log = self._start_log()
            undo.callback(log.end)
            sight = self._look_for_gpus()
            opened = self._open(undo)
            metrics = self._metrics([model.service_name for model in opened])
            local = LocalModels(opened, settings, sight, self._room)
            loop = LoopThread()
            undo.callback(loop.stop)
            loop.run(local.start)
            undo.callback(loop.call, local.stop)
            loop.call(metrics.start)
            undo.callback(loop.call, metrics.stop)
            models = ThreadedModels(local, loop)
            app = self._app(self._predictor(models, ThreadedMetrics(metrics, loop)),
                            settings.port)
            self._log.begin()
            self._apps.append(Embedded(models, undo.pop_all()))
        self._log_started(settings.port)
        return app

    def _serve(self, stop: StopRequest) -> None:
        settings = self._settings
        raise_file_limit()
        with Undo() as undo:
            sock = undo.enter_context(bind(settings.host, settings.port))
            self._log = self._start_log()
            models = self._load_models(undo)
            port = sock.getsockname()[1]
            metrics = self._metrics(models.names)
            metrics.start()
            undo.callback(metrics.stop)
            predictor = self._predictor(models, metrics)
            app = Shortcut(self._app(predictor, port), predictor)
            server = HTTPServer(sock, app, self._room)
            undo.callback(server.end)
            server.listen()
            self._log.begin()
            undo.callback(Loop('the log on the terminal', partial(_write_on, self._log)).kill)
            stop.serving = True
            self._announce(models, port)
            stop.event.wait()
            self._drain(server, models, stop.hurry)

    def _look_for_gpus(self) -> Sight:
        """Before models are fetched: a GPU that is not there, or fails, is told at once."""
        wanted = [wish for wish in self._settings.all_devices if wish.on_gpus]
        if not wanted:
            return Sight()
        every = any(wish.every_gpu for wish in wanted)
        numbers = [] if every else sorted({device.number for wish in wanted
                                           for device in wish.devices if device.kind == GPU})
        sight = in_thread(lambda: look(numbers))
        for wish in wanted:
            devices_of(wish, sight)
        return sight

    def _write_client(self, stop: StopRequest) -> None:
        # Nothing listens: the server that the client is for may be running.
        with Undo() as undo:
            self._log = self._start_log()
            self._check_language()
            models = self._load_models(undo)
            self._generate_client(models, self._settings.port)
            self._log.discard()

    def _load_models(self, undo: ExitStack) -> LocalModels:
        sight = self._look_for_gpus()
        models = LocalModels(self._open(undo), self._settings, sight, self._room)
        undo.callback(models.stop)
        with loading_bar(models.names) as on_ready:
            models.start(on_ready)
        return models

    def _open(self, undo: ExitStack) -> list[LoadedModel]:
        service = self._settings.service
        if service is not None and not os.path.isfile(service):
            reason = 'is not a file' if os.path.exists(service) else 'does not exist'
            raise UsageError(f'--service {service!r} {reason}')
        if self._opened is not None:
            return self._opened
        workspace = Workspace()
        try:
            opened = _open_side_by_side(self._settings.models, workspace.path)
        except BaseException:
            workspace.abandon()
            raise
        undo.callback(workspace.close)
        return opened

    def _start_log(self) -> FrontLog:
        settings = self._settings
        return FrontLog(settings.log_file, settings.log_rotation, settings.log_level)

    def _metrics(self, names: Sequence[str]) -> Metrics:
        return Metrics(names, make_sink(self._settings.metrics_write_to, 'metrics'))

    def _predictor(self, models: Models, metrics: Counts) -> Predictor:
        return Predictor(models, metrics, self._settings.max_request_bytes, self._room)

    def _app(self, predictor: Predictor, port: int) -> Any:
        return create_app(self._app_name, predictor, self._description(predictor.models, port))

    def _description(self, models: Models, port: int) -> dict[str, Any]:
        return describe(_signatures(models), self._settings.host, port)

    def _check_language(self) -> None:
        from mms.client.sdk import check_language

        language = self._settings.gen_api
        assert language is not None
        programs = Programs()
        in_thread(lambda: check_language(language, programs), programs.stop)

    def _generate_client(self, models: Models, port: int) -> None:
        from mms.client.sdk import generate_client

        language = self._settings.gen_api
        assert language is not None
        description, programs = self._description(models, port), Programs()
        in_thread(lambda: generate_client(description, language, programs=programs),
                  programs.stop)

    def _announce(self, models: LocalModels, port: int) -> None:
        self._log_started(port)
        say(announcement(_signatures(models), self._settings.host, port, models.unseen))

    def _log_started(self, port: int) -> None:
        address = host_and_port(self._settings.host, port)
        logger.info('Service started successfully.')
        logger.info('Service description endpoint: %s/api-description', address)
        logger.info('Service health endpoint: %s/ping', address)

    def _drain(self, server: HTTPServer, models: LocalModels, hurry: Event) -> None:
        logger.info('Stopping: the requests in flight are finished first.')
        if not server.drain(DRAIN_TIMEOUT_S, hurry):
            logger.warning('Some requests are still in flight; they are given up.')
            models.give_up()
            server.drain(_LAST_ANSWERS_S, Event())
        server.end()
        logger.info('Service stopped.')


def _open_side_by_side(models: Mapping[str, str], folder: str) -> list[LoadedModel]:
    threads = gevent.get_hub().threadpool
    progress = is_terminal(sys.stderr)
    opening = {name: threads.spawn(open_model, name, location, folder, progress)
               for name, location in models.items()}
    names = {result: name for name, result in opening.items()}
    # In the order in which they end: the first that fails stops the start.
    for result in gevent.iwait(list(opening.values())):
        try:
            result.get()
        except StartupError as error:
            raise StartupError(f'model {names[result]} cannot be served: {error}') from error
    return [result.get() for result in opening.values()]


def _write_on(log: FrontLog) -> None:
    """Write the log to a terminal that is read again after a while."""
    gevent.sleep(_WRITE_ON_S)
    log.write_on()


def _signatures(models: Models) -> dict[str, Any]:
    return {name: models.signature(name) for name in models.names}


def _report(message: str) -> None:
    """One line for the person who started the server."""
    say(f'mxnet-model-server: {message}', sys.stderr)


if __name__ == '__main__':
    start_in_utf8()
    sys.exit(main())

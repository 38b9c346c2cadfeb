"""``mxnet-model-server``: the console script, and the way in for embedders."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Optional, Union

from mms.archive.reader import LoadedModel
from mms.arg_parser import ArgParser
from mms.bootstrap.client_sdk import write_client
from mms.bootstrap.embedded import DRAIN_TIMEOUT_S, load_app
from mms.bootstrap.http_service import serve
from mms.bootstrap.parts import Parts
from mms.config.settings import Settings
from mms.errors import StartupError, UsageError
from mms.log.uncaught import escape_uncaught
from mms.runtime.interrupts import first_interrupt_only
from mms.runtime.signals import SignalRequests, run_until_signal
from mms.runtime.streams import open_missing_streams, say
from mms.runtime.utf8 import print_utf8, start_in_utf8
from mms.serving.embedding import Embedded


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
    """Serve until SIGINT or SIGTERM.

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
        given = None if models is None else [LoadedModel(*model) for model in models]
        self._parts = Parts(app_name, Settings.from_args(self.args), given)
        self._apps: list[Embedded] = []

    def __enter__(self) -> MMS:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_model_serving(self) -> int:
        """Serve until SIGINT or SIGTERM, which finish the requests in flight.

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
            app, embedded = load_app(self._parts)
            self._apps.append(embedded)
        return app

    def close(self) -> None:
        """End what :meth:`create_app` started, and its log; safe to call twice.

        Requests in flight are finished first; later ones are answered 503.
        """
        apps, self._apps = self._apps, []
        with first_interrupt_only(), ExitStack() as closing:
            for app in reversed(apps):
                closing.callback(app.close, DRAIN_TIMEOUT_S)

    def _serve_until_signal(self, is_last: bool = False) -> int:
        if threading.current_thread() is not threading.main_thread():
            raise UsageError('a server that stops at a signal has to run in the main thread: '
                             'elsewhere, give MMS(...).create_app() to a WSGI server')
        with self._failures_logged():
            status = run_until_signal(self._run, is_last)
            if status:
                self._fail('stopped by a signal before it served')
        return status

    def _run(self, signals: SignalRequests) -> None:
        settings = self._parts.settings
        if settings.check:
            # A server has no use for what makes up requests.
            from mms.bootstrap.model_check import check_models
            check_models(self._parts)
        elif settings.gen_api is not None:
            write_client(self._parts, settings.gen_api, signals)
        else:
            serve(self._parts, signals)

    @contextmanager
    def _failures_logged(self) -> Iterator[None]:
        try:
            yield
        except StartupError as error:
            self._fail(str(error))
            raise
        except BaseException:
            if self._parts.log is not None:
                self._parts.log.discard()
            raise

    def _fail(self, reason: str) -> None:
        if self._parts.log is not None:
            self._parts.log.fail(reason)


def _report(message: str) -> None:
    """One line for the person who started the server."""
    say(f'mxnet-model-server: {message}', sys.stderr)


if __name__ == '__main__':
    start_in_utf8()
    sys.exit(main())

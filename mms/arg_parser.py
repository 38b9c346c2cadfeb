"""The flags of both commands and their help; nothing else."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn, Optional, TypeVar

from mms.archive.location import redacted, scheme_of
from mms.config.settings import LOG_LEVELS, METRICS_SINKS
from mms.errors import UsageError
from mms.runtime.printable import one_line
from mms.version import __version__

_SERVE = 'Serve MXNet models over HTTP.'

AParser = TypeVar('AParser', bound=argparse.ArgumentParser)


class ArgParser:
    """Argument parsers of ``mxnet-model-server`` and ``mxnet-model-export``."""

    @staticmethod
    def mms_parser() -> argparse.ArgumentParser:
        """The parser of ``mxnet-model-server``.

        Values stay as they were typed, :class:`mms.config.settings.Settings` checks them;
        ``models`` becomes a dict of NAME -> LOCATION in the order given.
        """
        return _with_server_flags(_Parser('mxnet-model-server', _SERVE))

    @staticmethod
    def export_parser() -> argparse.ArgumentParser:
        """The parser of ``mxnet-model-export``."""
        parser = _ExportParser(
            'mxnet-model-export', 'Pack the files of a model into a .model archive, or tell what '
            'an archive holds.', usage=_EXPORT_USAGE)
        parser.add_argument(
            '--model-name', metavar='NAME',
            help='writes NAME.model into the current directory; an existing file is an error')
        parser.add_argument(
            '--model-path', metavar='DIR',
            help='directory with the files of the model: signature.json, and NAME-symbol.json '
                 'with NAME-0000.params for a symbolic model; everything in it goes into the '
                 'archive')
        parser.add_argument(
            '--service-file-path', metavar='FILE',
            help='Python file with the service class, a path or a name inside DIR (default: the '
                 'built-in vision service if the signature takes image/jpeg, else the built-in '
                 'base service)')
        parser.add_argument(
            '--model-type', choices=['symbolic', 'imperative'],
            help='symbolic: symbol and params files; imperative: a Gluon network in the service '
                 'file (default: imperative if the service class derives from '
                 'GluonImperativeBaseService, else symbolic)')
        parser.add_argument(
            '--inspect', metavar='LOCATION',
            help='print what an archive holds, and whether the server would serve it; nothing in '
                 'it is run')
        parser.add_argument(
            '--check', metavar='LOCATION',
            help='the same, then load the model and let it answer a made-up request')
        return parser

    @staticmethod
    def extract_args(args: Optional[Sequence[str]] = None) -> argparse.Namespace:
        """Parse the server's arguments; None means those of the command line."""
        return ArgParser.mms_parser().parse_args(args)

    @staticmethod
    def parse_words(words: Optional[Sequence[str]] = None) -> argparse.Namespace:
        """The same for a program that is no command, which is told by an exception.

        Raises
        ------
        UsageError
        """
        return _with_server_flags(_Raising(prog='mxnet-model-server', description=_SERVE,
                                           own_words=words is None)).parse_args(words)


class _Raising(argparse.ArgumentParser):
    def __init__(self, own_words: bool, **options: Any) -> None:
        super().__init__(**options)
        self._hint = (" (the words of this process's own command line; args=[...] gives others)"
                      if own_words else '')

    def error(self, message: str) -> NoReturn:
        raise UsageError(message + self._hint)


_EXPORT_USAGE = '''%(prog)s --model-name NAME --model-path DIR
                          [--service-file-path FILE] [--model-type {symbolic,imperative}]
       %(prog)s --inspect LOCATION
       %(prog)s --check LOCATION'''


class _Parser(argparse.ArgumentParser):
    """Prints nothing raw of the words that it was given."""

    def __init__(self, prog: str, description: str, usage: Optional[str] = None) -> None:
        super().__init__(prog=prog, description=description, usage=usage)
        self.add_argument('--version', action='version', version=f'%(prog)s {__version__}')

    def error(self, message: str) -> NoReturn:
        super().error(one_line(message))


class _ExportParser(_Parser):
    """Wants the flags of an export, or one of those that look at an archive."""

    def parse_known_args(  # type: ignore[override]
        self, args: Optional[Sequence[str]] = None, namespace: Any = None,
    ) -> tuple[argparse.Namespace, list[str]]:
        parsed, rest = super().parse_known_args(args, namespace)
        given = [option for option, value in (
            ('--inspect', parsed.inspect), ('--check', parsed.check),
            ('--model-name', parsed.model_name), ('--model-path', parsed.model_path),
            ('--service-file-path', parsed.service_file_path),
            ('--model-type', parsed.model_type)) if value is not None]
        missing = [option for option in ('--model-name', '--model-path') if option not in given]
        if given[:1] in (['--inspect'], ['--check']):
            if len(given) > 1:
                self.error(f'argument {given[0]}: not allowed with argument {given[1]}')
        elif missing:
            self.error(f"the following arguments are required: {', '.join(missing)}")
        return parsed, rest


class _StoreModels(argparse.Action):
    """Collects ``NAME=LOCATION`` pairs of every ``--models`` into one dict."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: Optional[str] = None,
    ) -> None:
        models = dict(getattr(namespace, self.dest) or {})
        for pair in values:
            _add_pair(models, pair, parser)
        setattr(namespace, self.dest, models)


def _add_pair(models: dict[str, str], pair: str, parser: argparse.ArgumentParser) -> None:
    name, equals, location = pair.partition('=')
    shown = redacted(pair) if scheme_of(pair) else f'{name}{equals}{redacted(location)}'
    if not equals or not location:
        parser.error(f'argument --models: {shown!r} is not NAME=LOCATION, '
                     "for example resnet=resnet.model")
    if not name.strip():
        parser.error(f'argument --models: {shown!r} has no NAME before the =')
    if '/' in name:
        parser.error(f'argument --models: the NAME in {shown!r} holds a /; it becomes one segment '
                     'of the URL, and the form is NAME=LOCATION')
    if name in ('.', '..') or not name.isprintable():
        parser.error(f'argument --models: the NAME in {shown!r} cannot be a segment of a URL')
    if models.setdefault(name, location) != location:
        parser.error(f'argument --models: {name!r} is given twice with different locations')


def _with_server_flags(parser: AParser) -> AParser:
    _add_model_flags(parser)
    _add_engine_flags(parser)
    _add_server_flags(parser)
    _add_log_flags(parser)
    return parser


def _add_model_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--models', required=True, nargs='+', action=_StoreModels, metavar='NAME=LOCATION',
        help='models to serve at /NAME/predict. LOCATION is a .model file, a directory that holds '
             'an extracted archive, or a file://, http://, https:// or s3://bucket/key URL')
    parser.add_argument(
        '--service', metavar='FILE',
        help="service file that replaces every archive's own (default: none)")
    parser.add_argument(
        '--strict', action='store_true',
        help='stop the start where a model does not answer a made-up request, also if it may '
             'answer real ones (default: a warning)')
    parser.add_argument(
        '--gen-api', metavar='LANGUAGE',
        help='write a client SDK for the served models to build/, then exit (default: none)')


def _add_engine_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--workers', nargs='+', action='extend', metavar='N',
        help='workers of each model: a number, NAME=N for the model NAME alone, or auto, which '
             'weighs processors, models and memory (default: auto)')
    parser.add_argument(
        '--gpu', nargs='+', action='extend', metavar='IDS',
        help='GPUs that the workers of each model take turns on: numbers from 0 with commas '
             'between them, all, or NAME=IDS for the model NAME alone; a worker on each, unless '
             '--workers says otherwise (default: none, the CPU)')
    parser.add_argument(
        '--device', nargs='+', action='extend', metavar='DEVICES',
        help='the same in full: cpu, or cpu:N or gpu:N with commas between them, or NAME=DEVICES; '
             'workers on cpu:N have contexts as different as those of GPUs (default: cpu)')
    parser.add_argument(
        '--batch-size', metavar='N',
        help='most requests that run together, or auto: as many as it pays (default: auto)')
    parser.add_argument(
        '--max-batch-delay', metavar='MS',
        help='how long a request may wait for others to run with, in milliseconds (default: 0)')
    parser.add_argument(
        '--no-optimize', action='store_true',
        help='run Gluon networks as their service made them, never fused (default: fused where '
             'this is equal and faster)')
    parser.add_argument(
        '--queue-size', metavar='N',
        help='requests of one model that may wait; more are answered 503 (default: 1000)')
    parser.add_argument(
        '--request-timeout', metavar='SECONDS',
        help='a request without an answer by then is answered 504, and a worker that takes '
             'longer is replaced (default: 120)')
    parser.add_argument(
        '--max-requests-per-worker', metavar='N',
        help='replace a worker after so many requests; 0 for never (default: 0)')
    parser.add_argument(
        '--max-worker-memory', metavar='SIZE',
        help='replace a worker that has more memory of its own, in bytes or with K, M or G '
             '(default: no limit)')


def _add_server_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--port', help='TCP port; 0 picks a free one (default: 8080)')
    parser.add_argument('--host', help='address to listen on (default: 127.0.0.1)')
    parser.add_argument(
        '--max-request-size', metavar='SIZE',
        help='largest request body, in bytes or with K, M or G; a larger one is answered 413 '
             '(default: 64M)')
    parser.add_argument(
        '--max-buffered-bytes', metavar='SIZE',
        help='most bytes of requests and answers that the server holds on their way, in bytes or '
             'with K, M or G; what is more is answered 503 (default: a quarter of the memory that '
             'is free at the start)')
    parser.add_argument(
        '--max-image-pixels', metavar='N',
        help='largest picture, in pixels (width times height); a larger one is answered 400 '
             '(default: 50000000)')


def _add_log_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--log-file', metavar='FILE',
        help='log file, rotated (default: mms_app.log in the current directory)')
    parser.add_argument(
        '--log-rotation-time', metavar='WHEN',
        help='when the log file is rotated: "N UNIT" with UNIT S, M, H or D (seconds, minutes, '
             'hours, days), a weekday W0 (Monday) to W6, or midnight (default: "1 H")')
    parser.add_argument(
        '--log-level', metavar='LEVEL',
        help=f"least level that is logged: {', '.join(LOG_LEVELS)} (default: INFO)")
    parser.add_argument(
        '--metrics-write-to', default='log', choices=METRICS_SINKS,
        help='where metrics go each minute: the log, metrics/mms_NAME.csv files in the current '
             'directory, or AWS CloudWatch (default: log)')

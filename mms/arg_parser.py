"""The flags of both commands and their help; nothing else."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn, Optional, TypeVar

from mms.archive.location import redacted, scheme_of
from mms.config import LOG_LEVELS, METRICS_SINKS
from mms.errors import UsageError
from mms.version import __version__

_SERVE = 'Serve MXNet models over HTTP.'

AParser = TypeVar('AParser', bound=argparse.ArgumentParser)


class ArgParser:
    """Argument parsers of ``mxnet-model-server`` and ``mxnet-model-export``."""

    @staticmethod
    def mms_parser() -> argparse.ArgumentParser:
        """The parser of ``mxnet-model-server``.

        Values stay as they were typed, :class:`mms.config.Settings` checks them;
        ``models`` becomes a dict of NAME -> LOCATION in the order given.
        """
        return _with_server_flags(_parser('mxnet-model-server', _SERVE))

    @staticmethod
    def export_parser() -> argparse.ArgumentParser:
        """The parser of ``mxnet-model-export``."""
        parser = _parser('mxnet-model-export', 'Pack the files of a model into a .model archive.')
        parser.add_argument(
            '--model-name', required=True, metavar='NAME',
            help='writes NAME.model into the current directory; an existing file is an error')
        parser.add_argument(
            '--model-path', required=True, metavar='DIR',
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


def _parser(prog: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument('--version', action='version', version=f'%(prog)s {__version__}')
    return parser


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
        '--gen-api', metavar='LANGUAGE',
        help='write a client SDK for the served models to build/, then exit (default: none)')
    parser.add_argument(
        '--gpu', metavar='ID[,ID...]',
        help='numbers of the GPUs to use, from 0, a worker of each model on each '
             '(default: none, the CPU)')


def _add_engine_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--workers', nargs='+', metavar='N',
        help='workers of each model: a number, NAME=N for the model NAME alone, or auto, which '
             'weighs processors, models and memory (default: auto)')
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

"""The words of ``mxnet-model-predict``."""

from __future__ import annotations

import argparse
import math

from mms.client.predictions.base import PARALLEL
from mms.client.predictions.limits import Retries
from mms.config.command_line import CommandParser

PROG = 'mxnet-model-predict'
SERVER, TOKEN = 'MMS_SERVER', 'MMS_SERVER_TOKEN'
TABLE, JSON = 'table', 'json'

_EXAMPLES = f'''\
examples:
  {PROG} flowers kitten.jpg
  {PROG} flowers pictures/ --server https://models.example > predictions.jsonl
  {PROG} scale --input values='[[1, 2, 3]]' --input factor='[[10]]'

exit status:
  0    every input has a prediction
  1    one has none, and will have none another time
  2    wrong words
  3    the server is not reached, or has no time: it may be tried again
  130  interrupted'''


def predict_parser() -> argparse.ArgumentParser:
    """The parser."""
    parser = CommandParser(
        prog=PROG, allow_abbrev=False, epilog=_EXAMPLES,
        usage=f'{PROG} [options] NAME [PICTURE ...]',
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description='Ask a model of a running server about pictures or tensors.')
    parser.add_argument('name', metavar='NAME', help='name of the model')
    parser.add_argument('pictures', metavar='PICTURE', nargs='*', default=[],
                        help='files and folders of pictures, or - for standard input; for a model '
                             'that takes a tensor, files of JSON or .npy')
    parser.add_argument('--input', metavar='NAME=VALUE', action='append', type=_named, default=[],
                        help='a value for an input, as JSON, or @FILE; again for each of several')
    _add_server(parser.add_argument_group('the server'))
    _add_limits(parser.add_argument_group('how it is asked'))
    _add_output(parser.add_argument_group('what is printed'))
    return parser


def _add_server(group: argparse._ArgumentGroup) -> None:
    group.add_argument('--server', metavar='URL',
                       help='http://HOST:PORT, https://HOST:PORT or unix:PATH (default: '
                            f'http://127.0.0.1:8080; {SERVER})')
    group.add_argument('--token', metavar='FILE',
                       help='file whose first line is the token that the server asks for, a '
                            f'file of its --auth-token-file, or none ({TOKEN})')
    group.add_argument('--ca', metavar='FILE',
                       help='PEM file of the authorities that its certificate is checked against '
                            '(default: those of the system)')
    group.add_argument('--cert', metavar='FILE',
                       help='PEM file of the certificate to show to a server that asks for one')
    group.add_argument('--key', metavar='FILE',
                       help='PEM file of its key (default: in the file of --cert)')


def _add_limits(group: argparse._ArgumentGroup) -> None:
    group.add_argument('--parallel', metavar='N', type=_whole, default=PARALLEL,
                       help='most requests at a time (default: %(default)s)')
    group.add_argument('--timeout', metavar='SECONDS', type=_seconds,
                       help='for each input, with all that is asked again (default: no limit but '
                            "the server's)")
    group.add_argument('--attempts', metavar='N', type=_whole, default=Retries().attempts,
                       help='most requests for one input, where the server was not reached or '
                            'turned it away (default: %(default)s)')


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument('--output', choices=(TABLE, JSON),
                       help='(default: table on a terminal, json elsewhere: a line for each input)')
    group.add_argument('--top', metavar='N', type=_whole,
                       help='rows of the table for each input (default: 5 for one input, 1 for '
                            'several)')


def _named(text: str) -> tuple[str, str]:
    name, sign, value = text.partition('=')
    if not sign or not name:
        raise argparse.ArgumentTypeError(f'{text!r} is not NAME=VALUE')
    return name, value


def _whole(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{text} is less than 1')
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or number <= 0:
        raise argparse.ArgumentTypeError(f'{text} is no number of seconds above 0')
    return number


# argparse has them in its messages.
_whole.__name__, _seconds.__name__, _named.__name__ = 'whole number', 'number', 'NAME=VALUE'

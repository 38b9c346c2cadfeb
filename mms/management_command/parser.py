"""The words of ``mxnet-model-server models``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from typing import Any, Union

from mms.config.command_line import CommandParser

PROG = 'mxnet-model-server models'
ADDRESS, TOKEN = 'MMS_MANAGEMENT', 'MMS_MANAGEMENT_TOKEN'
DEFAULT_ADDRESS = 'http://127.0.0.1:8081'
TABLE, JSON = 'table', 'json'
# Options of a model: attribute -> its name in the interface of MMS 1.x.
MODEL_OPTIONS: Mapping[str, str] = {
    'workers': 'initial_workers', 'max_workers': 'max_workers', 'batch_size': 'batch_size',
    'max_batch_delay': 'max_batch_delay', 'request_timeout': 'response_timeout',
}

_EPILOG = """
examples:
  mxnet-model-server models list
      a table of what the server at port 8081 of this machine serves
  mxnet-model-server models replace flowers new_flowers.model
      serves another archive under that name, once it has loaded

exit status: 0 done, 1 refused or not reached, 2 wrong words, 130 interrupted
"""

Number = Union[int, float]
_Subcommands = Any


def models_parser() -> argparse.ArgumentParser:
    """The parser; what it returns has the name of the verb as ``verb``."""
    parser = CommandParser(
        prog=PROG, allow_abbrev=False,
        description='See and change the models of a running server, through its management port.',
        epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest='verb', metavar='VERB', required=True)
    _verb(verbs, 'list', 'tell which models are served, and how they do')
    _named(_verb(verbs, 'describe', 'tell all that the server knows of a model'))
    _add_load(_verb(verbs, 'load', 'serve one more model'))
    _add_replace(_verb(verbs, 'replace', 'serve another archive under the name of a model'))
    _add_scale(_verb(verbs, 'scale', 'change how many workers a model has'))
    _named(_verb(verbs, 'unload', 'finish the requests of a model, and serve it no more'))
    # Also shown where no verb was given.
    parser.usage = ('%(prog)s [-h] [--version] VERB ...\n'
                    f"       VERB: {', '.join(verbs.choices)}")
    return parser


def _verb(verbs: _Subcommands, name: str, told: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = verbs.add_parser(
        name, help=told, description=f'{told[:1].upper()}{told[1:]}.', allow_abbrev=False)
    made.add_argument('--management', metavar='URL',
                      help=f'the management port (default: {DEFAULT_ADDRESS}; {ADDRESS})')
    made.add_argument('--token', metavar='FILE',
                      help='file whose first line is the token that the port asks for, a file of '
                           "the server's --auth-token-file, or none (default: what a server on "
                           f'this machine has written; {TOKEN})')
    made.add_argument('--ca', metavar='FILE',
                      help='PEM file of the authorities that the certificate of an https:// port '
                           'is checked against (default: those of the system)')
    made.add_argument('--cert', metavar='FILE',
                      help='PEM file of the certificate to show to a port that asks for one')
    made.add_argument('--key', metavar='FILE',
                      help='PEM file of its key (default: in the file of --cert)')
    made.add_argument('--output', choices=(TABLE, JSON),
                      help='(default: table on a terminal, json elsewhere)')
    return made


def _named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('name', metavar='NAME', help='name of the model')


def _add_load(parser: argparse.ArgumentParser) -> None:
    _located(parser)
    parser.add_argument('--name', help='name to serve it by (default: the one in its archive)')
    _add_options(parser)
    _waiting(parser)


def _add_replace(parser: argparse.ArgumentParser) -> None:
    _named(parser)
    _located(parser)
    _add_options(parser)
    _waiting(parser)


def _add_scale(parser: argparse.ArgumentParser) -> None:
    _named(parser)
    parser.add_argument('workers', metavar='WORKERS', type=_whole(0),
                        help='workers to have, at least')
    parser.add_argument('--max-workers', metavar='N', type=_whole(0),
                        help='most workers to have, under load (default: WORKERS)')
    _waiting(parser)


def _located(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('location', metavar='LOCATION',
                        help='a .model file, a directory or a URL, as the server takes it; '
                             'a file here goes to a server on this machine with its whole path')


def _add_options(parser: argparse.ArgumentParser) -> None:
    """What a model may have of its own; the server's setting where it is not given."""
    group = parser.add_argument_group('options of the model (default: those of the server)')
    group.add_argument('--workers', metavar='N', type=_whole(1), help='workers, at least')
    group.add_argument('--max-workers', metavar='N', type=_whole(1),
                       help='most workers, under load')
    group.add_argument('--batch-size', metavar='N', type=_whole(1),
                       help='most requests that run together')
    group.add_argument('--max-batch-delay', metavar='MS', type=_number,
                       help='how long a request may wait for others, in milliseconds')
    group.add_argument('--request-timeout', metavar='SECONDS', type=_number,
                       help='when a request without an answer is answered 504')


def _waiting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--no-wait', action='store_true',
                        help='return at once; the server goes on, and its log tells the end')


def _whole(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if number < least:
            raise argparse.ArgumentTypeError(f'{text} is less than {least}')
        return number

    # argparse has it in its message.
    read.__name__ = 'whole number'
    return read


def _number(text: str) -> Number:
    number = float(text)
    if not math.isfinite(number) or number < 0:
        raise argparse.ArgumentTypeError(f'{text} is no number of 0 or more')
    return int(number) if number.is_integer() else number


_number.__name__ = 'number'

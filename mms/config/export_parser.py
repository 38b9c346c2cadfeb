"""The parser of ``mxnet-model-export``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, Optional

from mms.config.command_line import CommandParser, missing_flags

_USAGE = '''%(prog)s --model-name NAME --model-path DIR
                          [--service-file-path FILE] [--model-type {symbolic,imperative}]
                          [--sign KEY] [--force]
       %(prog)s --sign KEY --archive FILE
       %(prog)s --inspect LOCATION
       %(prog)s --check LOCATION
       %(prog)s --init DIR'''

_EPILOG = """
examples:
  mxnet-model-export --model-name flowers --model-path flowers/model
      writes flowers.model
  mxnet-model-export --check flowers.model
      tells what it holds, loads it, and asks it once
"""

_NEEDED = ('--model-name', '--model-path')
# A flag that makes no archive -> those that it needs beside it.
_NEEDED_WITH: dict[str, tuple[str, ...]] = {
    '--inspect': (), '--check': (), '--init': (), '--archive': ('--sign',)}


class _ExportParser(CommandParser):
    """Wants the flags of an export, or one of those that look at an archive."""

    def parse_known_args(  # type: ignore[override]
        self, args: Optional[Sequence[str]] = None, namespace: Any = None,
    ) -> tuple[argparse.Namespace, list[str]]:
        parsed, rest = super().parse_known_args(args, namespace)
        given = [option for option, value in (
            ('--inspect', parsed.inspect), ('--check', parsed.check),
            ('--init', parsed.init), ('--archive', parsed.archive), ('--sign', parsed.sign),
            ('--model-name', parsed.model_name), ('--model-path', parsed.model_path),
            ('--service-file-path', parsed.service_file_path),
            ('--model-type', parsed.model_type), ('--force', parsed.force or None))
            if value is not None]
        missing = [option for option in _NEEDED_WITH.get(given[0] if given else '', _NEEDED)
                   if option not in given]
        others = [option for option in given[1:] if option not in _NEEDED_WITH.get(given[0], given)]
        if others:
            self.error(f'argument {given[0]}: not allowed with argument {others[0]}')
        elif missing:
            self.error(missing_flags(missing, rest))
        return parsed, rest


def export_command() -> argparse.ArgumentParser:
    """The parser of the command, which ends the process at a wrong word."""
    parser = _ExportParser(
        prog='mxnet-model-export', usage=_USAGE,
        description='Pack the files of a model into a .model archive, or tell what an archive '
                    'holds.',
        epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    _add_packing(parser.add_argument_group('make an archive'))
    _add_signing(parser.add_argument_group('sign it'))
    _add_looking(parser.add_argument_group('look at one'))
    return parser


def _add_packing(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--model-name', metavar='NAME',
        help='writes NAME.model into the current directory; an existing file is an error without '
             '--force')
    group.add_argument(
        '--model-path', metavar='DIR',
        help='directory with the files of the model: signature.json, and NAME-symbol.json '
             'with NAME-0000.params for a symbolic model; everything in it goes into the '
             'archive')
    group.add_argument(
        '--service-file-path', metavar='FILE',
        help='Python file with the service class, a path or a name inside DIR (default: the '
             'built-in vision service if the signature takes image/jpeg, else the built-in '
             'base service)')
    group.add_argument(
        '--model-type', choices=['symbolic', 'imperative'],
        help='symbolic: symbol and params files; imperative: a Gluon network in the service '
             'file (default: imperative if the service class derives from '
             'GluonImperativeBaseService, else symbolic)')
    group.add_argument(
        '--force', action='store_true',
        help='replace NAME.model if it is there, once the new one is whole')
    group.add_argument(
        '--init', metavar='DIR',
        help='write a signature.json, a synset.txt and a service file to start from, whose '
             'comments say what to put into them')


def _add_signing(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--sign', metavar='KEY',
        help='PEM file of an Ed25519 private key: NAME.model.sig is the signature of the archive')
    group.add_argument(
        '--archive', metavar='FILE',
        help='an archive that is there already, to be signed with --sign; FILE.sig is its '
             'signature')


def _add_looking(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--inspect', metavar='LOCATION',
        help='print what an archive holds, and whether the server would serve it; nothing in '
             'it is run')
    group.add_argument(
        '--check', metavar='LOCATION',
        help='the same, then load the model and let it answer a made-up request')

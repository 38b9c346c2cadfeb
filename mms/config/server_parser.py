"""The parser of ``mxnet-model-server``, made of the options."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, Optional

from mms.config.command_line import CommandParser, RaisingParser, missing_flags
from mms.config.models import Models, add_pairs
from mms.config.options import Group, Option, Unset
from mms.config.per_model import EachModel
from mms.config.precedence import fill
from mms.config.required_models import RequiredModels
from mms.config.settings import OPTIONS

_PROG = 'mxnet-model-server'
_DESCRIPTION = 'Serve MXNet models over HTTP.'
_USAGE = ('%(prog)s --models NAME=LOCATION [NAME=LOCATION ...] [options]\n'
          '       %(prog)s models VERB [options]   (see, change the models of a running server)')
_EPILOG = """
examples:
  mxnet-model-server --models flowers=flowers.model
      serves it at http://127.0.0.1:8080/flowers/predict
  mxnet-model-server --models a=a.model b=s3://models/b.model --workers a=4 --check
      loads both as they would be served, asks each once, and tells how it went

Each option may also be given by the environment variable behind it, or in the TOML file that
--config names, under the flag without its dashes. The models of a server that runs:
mxnet-model-server models --help.
"""
_NEXT_STEPS = """\
mxnet-model-server serves MXNet models over HTTP, and wants to know which:

  mxnet-model-server --models flowers=flowers.model

flowers becomes a part of the URL; flowers.model is an archive that mxnet-model-export has made, of
the files of a model:

  mxnet-model-export --model-name flowers --model-path DIR

All that can be said: mxnet-model-server --help
"""
_ARCHIVE = '.model'


def _named(rest: Sequence[str]) -> str:
    """How an archive is given, where one was given alone; a URL may hold what is secret."""
    if not rest or not rest[0].endswith(_ARCHIVE) or '://' in rest[0] or rest[0].startswith('-'):
        return ''
    name = '' if '=' in rest[0] else f'{os.path.basename(rest[0]).removesuffix(_ARCHIVE)}='
    return f', for example --models {name}{rest[0]}'


class _ServerParser(argparse.ArgumentParser):
    """Looks into the environment and the config file for what the words leave open."""

    def parse_known_args(  # type: ignore[override]
        self, args: Optional[Sequence[str]] = None, namespace: Any = None,
    ) -> tuple[argparse.Namespace, list[str]]:
        parsed, rest = super().parse_known_args(args, namespace)
        fill(parsed, OPTIONS.values(), os.environ)
        missing = [_with_others(option) for option in OPTIONS.values()
                   if _is_missing(option, parsed)]
        if missing:
            if not (sys.argv[1:] if args is None else args):
                self.say_what_to_do(missing_flags(missing, rest))
            self.error(missing_flags(missing, rest) + _named(rest))
        for option in OPTIONS.values():
            _give_default(option, parsed)
        return parsed, rest


    def say_what_to_do(self, message: str) -> None:
        """Tell a person who has said nothing what to say, and end the process."""


class _ServerCommand(_ServerParser, CommandParser):
    def say_what_to_do(self, message: str) -> None:
        self.exit(2, f'{_NEXT_STEPS}\n{_PROG}: error: {message}\n')


class _ServerInProgram(_ServerParser, RaisingParser):
    pass


def server_command() -> argparse.ArgumentParser:
    """The parser of the command, which ends the process at a wrong word."""
    return _with_options(_ServerCommand(
        prog=_PROG, usage=_USAGE, description=_DESCRIPTION, epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter))


def server_in_program(own_words: bool) -> argparse.ArgumentParser:
    """The parser of a program that embeds a server; it raises UsageError."""
    return _with_options(_ServerInProgram(prog=_PROG, description=_DESCRIPTION, epilog=_EPILOG,
                                          own_words=own_words))


def _with_options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    for group in Group:
        made = parser.add_argument_group(group.value)
        for option in OPTIONS.values():
            if option.group is group:
                made.add_argument(option.flag, help=help_of(option), **_form_of(option))
    return parser


def help_of(option: Option[Any]) -> str:
    """What ``--help`` says of an option."""
    default = f'"{option.shown}"' if ' ' in option.shown and _is_read(option) else option.shown
    told = option.shown if option.required else f'default: {default}'
    return f'{option.help} ({told}; {option.variable})'.replace('`', '').replace('%', '%%')


def _is_missing(option: Option[Any], args: argparse.Namespace) -> bool:
    in_its_place = [getattr(args, OPTIONS[name].dest) for name in option.unless]
    return (option.required and not getattr(args, option.dest)
            and all(value is None for value in in_its_place))


def _with_others(option: Option[Any]) -> str:
    """Its flag, and those that may stand in its place."""
    others = ' or '.join(OPTIONS[name].flag for name in option.unless)
    return f'{option.flag} (or {others})' if others else option.flag


def _is_read(option: Option[Any]) -> bool:
    return isinstance(option.unset, Unset)


def _form_of(option: Option[Any]) -> dict[str, Any]:
    if option.is_switch:
        return {'action': 'store_true', 'default': None}
    form: dict[str, Any] = {'metavar': option.metavar}
    if isinstance(option.reader, Models):
        return {**form, 'nargs': '+', 'action': _StoreModels}
    if isinstance(option.reader, (EachModel, RequiredModels)):
        return {**form, 'nargs': '+', 'action': 'extend'}
    if option.choices:
        return {'choices': option.choices}
    return form


def _give_default(option: Option[Any], args: argparse.Namespace) -> None:
    """What was always there for programs that read `args`."""
    if getattr(args, option.dest) is None:
        if option.is_switch:
            setattr(args, option.dest, False)
        elif isinstance(option.reader, Models):
            setattr(args, option.dest, {})
        elif option.choices:
            setattr(args, option.dest, option.shown)


class _StoreModels(argparse.Action):
    """Collects ``NAME=LOCATION`` pairs of every ``--models`` into one dict."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: Optional[str] = None,
    ) -> None:
        try:
            models = add_pairs(getattr(namespace, self.dest) or {}, values)
        except ValueError as error:
            parser.error(f'argument {option_string}: {error}')
        setattr(namespace, self.dest, models)

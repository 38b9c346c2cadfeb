"""What the command line leaves open, from the environment and from a config file."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any

from mms.config.config_file import read_config
from mms.config.options import Option
from mms.config.source import Kind, Source
from mms.errors import UsageError

_PREFIX = 'MMS_'
# Kubernetes sets MMS_PORT to this in the containers beside a Service of the name mms.
_SERVICE_LINK = re.compile(r'(tcp|udp|sctp)://')
# What other commands of the package read.
OF_COMMANDS = frozenset({'MMS_SERVER', 'MMS_SERVER_TOKEN', 'MMS_MANAGEMENT',
                         'MMS_MANAGEMENT_TOKEN'})
# MMS_SERVICE_HOST, which Kubernetes sets as well, is less like MMS_SERVICE than this.
_LIKENESS = 0.85


def fill(args: argparse.Namespace, options: Iterable[Option[Any]],
         environment: Mapping[str, str]) -> None:
    """Give `args` what the environment says, then what the config file says.

    What `args` has already stays. `args.sources` tells where each value comes from: its name ->
    its :class:`Source`; `args.advice` are for the person who started the server.

    Parameters
    ----------
    args
        What the parser of the command line returned, None for what was not given.
    options
        All there are.
    environment
        The variables of the process.

    Raises
    ------
    UsageError
        The config file cannot be used, or something in it or in a variable has the wrong form.
    """
    options = list(options)
    args.sources = {each.dest: each.on_command_line() for each in options
                    if getattr(args, each.dest, None) is not None}
    args.advice = list(_misspelt(environment, options))
    _take(args, _from_environment(options, environment))
    if getattr(args, 'config', None) is not None:
        source = args.sources['config'].name
        (reader,) = (each.reader for each in options if each.dest == 'config')
        _take(args, _from_file(options, reader.read(args.config, source), source))


_Found = tuple[Option[Any], Source, Callable[[], Any]]


def _take(args: argparse.Namespace, found: Iterable[_Found]) -> None:
    for option, source, read in found:
        if option.dest in args.sources:
            continue
        try:
            value = read()
        except ValueError as error:
            raise UsageError(f'{source.name}: {error}') from None
        setattr(args, option.dest, value)
        args.sources[option.dest] = source


def _from_environment(options: list[Option[Any]],
                      environment: Mapping[str, str]) -> Iterator[_Found]:
    for option in options:
        for variable in filter(None, (option.variable, option.other_variable)):
            text = environment.get(variable, '')
            if text and not _SERVICE_LINK.match(text):
                yield (option, Source(Kind.ENVIRONMENT, variable),
                       partial(option.reader.from_text, text))


def _from_file(options: list[Option[Any]], path: str, source: str) -> Iterator[_Found]:
    by_key = {option.key: option for option in options if option.in_file}
    for key, value in read_config(path, by_key, source).items():
        option = by_key[key]
        yield (option, Source(Kind.FILE, f'{path}: {key}'),
               partial(option.reader.from_toml, value))


def _misspelt(environment: Mapping[str, str], options: list[Option[Any]]) -> Iterator[str]:
    known = [option.variable for option in options]
    for name in environment:
        if name.startswith(_PREFIX) and name not in {*known, *OF_COMMANDS}:
            near = get_close_matches(name, known, 1, _LIKENESS)
            if near:
                yield f'The environment variable {name} says nothing to the server: {near[0]} does.'

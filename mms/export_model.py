"""``mxnet-model-export``: pack the files of a model into a ``.model`` archive, or look at one.

Of Python: :func:`export_model` packs a folder, :func:`export_network` a network in memory.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, Optional

from mms.archive.location import Location
from mms.archive.writer import sign_archive
from mms.arg_parser import ArgParser
from mms.errors import StartupError
from mms.exporter.inspect_command import inspect_model
from mms.exporter.network_export import export_network
from mms.exporter.packing import export_model
from mms.exporter.start_folder import write_start
from mms.log.lines import LeveledFormatter
from mms.log.uncaught import escape_uncaught
from mms.runtime.interrupts import first_interrupt_only, ignore_signals
from mms.runtime.streams import open_missing_streams, say
from mms.runtime.utf8 import print_utf8, start_in_utf8


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run ``mxnet-model-export`` and return its exit status."""
    start_in_utf8()
    open_missing_streams()
    print_utf8()
    escape_uncaught()
    args = ArgParser.export_parser().parse_args(argv)
    with _messages_on_stderr(), _terminated_like_interrupted(), first_interrupt_only():
        try:
            if _looks(args):
                location = args.check if args.inspect is None else args.inspect
                is_served = inspect_model(Location.parse(location),
                                          check=args.inspect is None)
                return 0 if is_served else 1
            if args.init is not None:
                say(write_start(args.init))
                return 0
            if args.archive is not None:
                say(f'{sign_archive(args.archive, args.sign)} is the signature of {args.archive}',
                    sys.stderr)
                return 0
            export_model(args.model_name, args.model_path, args.service_file_path,
                         model_type=args.model_type, sign_key=args.sign, force=args.force)
        except StartupError as exc:
            say(f'mxnet-model-export: {exc}', sys.stderr)
            return 1
        except KeyboardInterrupt:
            if argv is None:
                ignore_signals()
            nothing = '' if _looks(args) else ', nothing was written'
            say(f'mxnet-model-export: interrupted{nothing}', sys.stderr)
            return 130
    return 0


def _looks(args: argparse.Namespace) -> bool:
    """Whether an archive is looked at, rather than made."""
    return args.inspect is not None or args.check is not None


@contextmanager
def _messages_on_stderr() -> Iterator[None]:
    """What this package logs at INFO and above is what the command says."""
    package = logging.getLogger('mms')
    handler, level = logging.StreamHandler(), package.level
    handler.setFormatter(LeveledFormatter())
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    try:
        yield
    finally:
        package.removeHandler(handler)
        package.setLevel(level)


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM and SIGHUP unwind as Ctrl-C does, so that a half archive is removed."""

    def interrupt(_signal: int, _frame: Any) -> NoReturn:
        raise KeyboardInterrupt

    # nohup has SIGHUP ignored.
    heard = [number for number in (signal.SIGTERM, signal.SIGHUP)
             if signal.getsignal(number) != signal.SIG_IGN]
    before = [signal.signal(number, interrupt) for number in heard]
    try:
        yield
    finally:
        for number, handler in zip(heard, before):
            if signal.getsignal(number) is interrupt:
                signal.signal(number, handler)


# MMS 0.4's name for the command.
export = main

__all__ = ['export', 'export_model', 'export_network', 'main', 'sign_archive']

if __name__ == '__main__':
    sys.exit(main())

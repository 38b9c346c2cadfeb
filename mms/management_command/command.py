"""``mxnet-model-server models``: reads the words, asks the server, prints what it says."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from typing import Optional

from mms.client.management_address import ManagementAddress, read_address
from mms.client.management_client import ManagementClient, ManagementError, Refused
from mms.client.management_tls import TLSFlags
from mms.errors import StartupError
from mms.management_command.parser import (
    ADDRESS,
    DEFAULT_ADDRESS,
    JSON,
    PROG,
    TABLE,
    TOKEN,
    models_parser,
)
from mms.management_command.printing import Printer
from mms.management_command.token import find_token
from mms.management_command.verbs import VERBS
from mms.runtime.interrupts import ignore_signals
from mms.runtime.streams import is_terminal, open_missing_streams, say
from mms.runtime.utf8 import print_utf8

_DONE, _REFUSED, _INTERRUPTED = 0, 1, 130
_UNAUTHORIZED = 401


def main(words: Optional[Sequence[str]] = None) -> int:
    """Run the command.

    Parameters
    ----------
    words
        What follows ``models`` on the command line; None for this process's own.

    Returns
    -------
    int
        The exit status.
    """
    try:
        open_missing_streams()
        print_utf8()
        _run(models_parser().parse_args(sys.argv[2:] if words is None else words))
    except (ManagementError, StartupError) as error:
        return _fail(str(error), _REFUSED)
    except KeyboardInterrupt:
        if words is None:
            ignore_signals()
        # What it was asked for is done all the same.
        return _fail('interrupted; the server goes on with what it was asked for', _INTERRUPTED)
    return _DONE


def _run(args: argparse.Namespace) -> None:
    address = read_address(args.management or os.environ.get(ADDRESS) or DEFAULT_ADDRESS)
    file = args.token or os.environ.get(TOKEN) or None
    token = find_token(file, address)
    printer = Printer(sys.stdout, args.output or (TABLE if is_terminal(sys.stdout) else JSON))
    with closing(ManagementClient(
            address, token, TLSFlags(args.ca, args.cert, args.key))) as client:
        try:
            VERBS[args.verb](client, args, printer)
        except Refused as error:
            if error.status != _UNAUTHORIZED:
                raise
            raise _token_wanted(address, token is not None, file) from error


def _token_wanted(address: ManagementAddress, has_sent: bool,
                  file: Optional[str]) -> ManagementError:
    """What to say to a person whose token was none."""
    if not has_sent:
        return ManagementError(f'{address.shown} asks for a token: give its file with --token '
                               f'FILE or {TOKEN}')
    if file is None:
        return ManagementError(f'{address.shown} does not take the token that a server has left '
                               f'here: give the file of its own with --token FILE or {TOKEN}')
    return ManagementError(f'{address.shown} does not take the token of {file}')


def _fail(message: str, status: int) -> int:
    say(f'{PROG}: {message}', sys.stderr)
    return status

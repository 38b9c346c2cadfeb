"""``mxnet-model-predict``: reads the words, asks the server, prints what it says."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Callable, Optional

from mms.client.predictions.address import DEFAULT_URL
from mms.client.predictions.async_client import AsyncClient
from mms.client.predictions.base import RETURN
from mms.client.predictions.errors import AccessDenied, ClientError, ModelNotFound, NotReached
from mms.client.predictions.limits import Retries
from mms.client.token_file import NO_TOKEN, token_in
from mms.errors import UsageError
from mms.predict_command.given import Given, given
from mms.predict_command.parser import JSON, PROG, SERVER, TABLE, TOKEN, predict_parser
from mms.predict_command.progress import counted
from mms.predict_command.report import FAILED, Report, status_of
from mms.runtime.colours import RED
from mms.runtime.interrupts import ignore_signals
from mms.runtime.streams import is_terminal, open_missing_streams, say
from mms.runtime.utf8 import print_utf8

_INTERRUPTED = 130
_UNAUTHORIZED = 401
_PREDICT = 'predict'
# What one input has met, the others would meet.
_OF_ALL = (NotReached, AccessDenied, ModelNotFound)


class _Client(AsyncClient):
    """Calls the files for TLS as the command line does."""

    dashes = '--'


def main(words: Optional[Sequence[str]] = None) -> int:
    """Run the command.

    Parameters
    ----------
    words
        Of the command line; None for this process's own.

    Returns
    -------
    int
        The exit status.
    """
    report = None
    try:
        open_missing_streams()
        print_utf8()
        args = predict_parser().parse_intermixed_args(words)
        form = args.output or (TABLE if is_terminal(sys.stdout) else JSON)
        report = Report(form, args.top)
        asyncio.run(_run(args, report, form))
    except (ClientError, UsageError) as error:
        if report is not None:
            report.finish()
        return _fail(str(error), status_of(error) if isinstance(error, ClientError) else FAILED)
    except KeyboardInterrupt:
        if words is None:
            ignore_signals()
        if report is None:
            return _fail('interrupted', _INTERRUPTED)
        report.finish()
        return _fail(f'interrupted: {report.progress}', _INTERRUPTED)
    report.finish()
    return report.status


async def _run(args: argparse.Namespace, report: Report, form: str) -> None:
    url = args.server or os.environ.get(SERVER) or DEFAULT_URL
    file = args.token or os.environ.get(TOKEN) or NO_TOKEN
    token = None if file == NO_TOKEN else token_in(file, _PREDICT)
    try:
        await _ask(args, report, form, url, token)
    except AccessDenied as error:
        if token is not None or error.status != _UNAUTHORIZED:
            raise
        raise UsageError('the server asks for a token: give its file with --token FILE '
                         f'or {TOKEN}') from error


async def _ask(args: argparse.Namespace, report: Report, form: str, url: str,
               token: Optional[str]) -> None:
    async with _Client(url, token=token,
                       timeout=args.timeout, retries=Retries(args.attempts), ca=args.ca,
                       cert=args.cert, key=args.key, connections=args.parallel) as client:
        asked = given(args.name, await client.inputs(args.name), args.pictures, args.input)
        report.expect(len(asked))
        results = client.predict_many(args.name, (one.value for one in asked),
                                      parallel=args.parallel, errors=RETURN)
        # Lines on the same terminal would go through the bar.
        with counted(len(asked), form == TABLE or not is_terminal(sys.stdout)) as advance:
            await _report(asked, results, report, advance)


async def _report(asked: Sequence[Given], results: AsyncGenerator[Any, None], report: Report,
                  advance: Callable[[], object]) -> None:
    try:
        for one in asked:
            result = await results.__anext__()
            if isinstance(result, _OF_ALL):
                raise result
            advance()
            if not report.add(one.shown, result):
                return
    finally:
        await results.aclose()


def _fail(message: str, status: int) -> int:
    say(f'{PROG}: {message}', sys.stderr, RED)
    return status


if __name__ == '__main__':
    sys.exit(main())

"""What the command prints of each input, and the exit status that comes of it."""

from __future__ import annotations

import json
import sys
from typing import Any, Optional, Union

from mms.client.predictions.errors import (
    ClientError,
    ConnectionLost,
    ErrorAnswer,
    NotReached,
    ServerTimedOut,
    TimedOut,
    TLSFailed,
    TooManyRequests,
    Unavailable,
)
from mms.predict_command.parser import JSON, PROG
from mms.predict_command.rows import Told, predicted
from mms.runtime.colours import BOLD, RED
from mms.runtime.streams import say, terminal_width, write

DONE, FAILED, TRY_AGAIN = 0, 1, 3
_PASSING = (NotReached, ConnectionLost, TimedOut, TooManyRequests, Unavailable, ServerTimedOut)


def status_of(error: ClientError) -> int:
    """The exit status for an error: whether the same may go better another time."""
    return (TRY_AGAIN if isinstance(error, _PASSING) and not isinstance(error, TLSFailed)
            else FAILED)


class Report:
    """Takes results in their order, and prints them: as they come, or at the end as a table.

    Parameters
    ----------
    form
        ``table`` or ``json``.
    top
        Rows of the table for each input.
    """

    def __init__(self, form: str, top: Optional[int]) -> None:
        self._form, self._top = form, top
        self._results: list[Told] = []
        self._errors: list[tuple[str, ClientError]] = []
        # Why predictions are missing in the output.
        self._unwritten = ''
        self._done = self._expected = 0

    @property
    def status(self) -> int:
        """The exit status, as far as things have come."""
        if self._unwritten:
            return FAILED
        statuses = {status_of(error) for _, error in self._errors}
        return FAILED if FAILED in statuses else max(statuses, default=DONE)

    @property
    def progress(self) -> str:
        """How far things have come."""
        return f'{self._done} of {self._expected} inputs are done'

    def expect(self, count: int) -> None:
        """Be told how many inputs there are."""
        self._expected = count

    def add(self, shown: str, result: Any) -> bool:
        """Take what came of one input, an error too; tells whether anybody may read it."""
        self._done += 1
        if isinstance(result, ClientError):
            self._errors.append((shown, result))
        elif self._form != JSON:
            self._results.append(Told(shown, result))
        return self._form != JSON or self._print(_line(shown, result))

    def finish(self) -> None:
        """Print the table, and what has failed."""
        head, *rows = predicted(self._results, self._top, terminal_width(sys.stdout)) or ['']
        if head:
            self._print(head, BOLD)
            self._print(rows)
        if self._unwritten:
            say(f'{PROG}: {self._unwritten}', sys.stderr, RED)
        if self._form == JSON and self._errors:
            say(f'{PROG}: {len(self._errors)} of {self._done} inputs have no prediction: their '
                'lines say why', sys.stderr, RED)
            return
        for shown, error in self._errors:
            # Of a file that cannot be read, the message names it.
            place = '' if shown in error.message else f'{shown}: '
            say(f'{PROG}: {place}{error}', sys.stderr, RED)

    def _print(self, text: Union[str, list[str]], style: str = '') -> bool:
        """Print results; tells whether somebody may read them."""
        try:
            write(text, style=style)
        except BrokenPipeError:
            # Who reads has seen enough.
            return False
        except (OSError, ValueError) as error:
            self._unwritten = ('predictions are missing: the output cannot be written: '
                               f'{getattr(error, "strerror", None) or error}')
            return False
        return True


def _line(shown: str, result: Any) -> str:
    told = {'error': _described(result)} if isinstance(result, ClientError) else {
        'prediction': result}
    # All in ASCII: what is escaped for a terminal would no longer be JSON.
    return _strict_json({'input': shown, **told}).replace('\x7f', '\\u007f')


def _strict_json(value: Any) -> str:
    """With null for NaN and infinity, which JSON has not."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(json.loads(json.dumps(value), parse_constant=lambda _: None))


def _described(error: ClientError) -> dict[str, Any]:
    told: dict[str, Any] = {'kind': type(error).__name__, 'message': error.message}
    if error.request_id is not None:
        told['request_id'] = error.request_id
    if isinstance(error, ErrorAnswer):
        told['status'], told['type'] = error.status, error.type
    return told

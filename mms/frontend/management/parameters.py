"""What a request of the management port asks for: in its query, or in a body of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Optional
from urllib.parse import parse_qs

from mms.config.per_model import MOST_WORKERS
from mms.frontend.exchange import HTTPRequest
from mms.frontend.http.body import read_body
from mms.frontend.management.errors import WrongParameter, wrong_value
from mms.ipc.request import JSON
from mms.runtime.byte_budget import ByteBudget
from mms.serving.model_options import ModelOptions

_MOST_BODY_BYTES = 2**20
# As many as a query has room for. Values stand in messages, and those in the log.
_LONGEST_VALUE = 8192
_MOST_TOGETHER = 1024
_LONGEST_DELAY_MS = 60_000
_LONGEST_TIMEOUT_S = 86_400
_MS_PER_S = 1000
# As MMS 1.x has it: in the query the timeout is in minutes, in JSON in seconds.
_S_PER_MINUTE = 60
_RUNTIMES = ('python', 'python2', 'python3')


class Parameters:
    """The parameters of one request.

    Parameters
    ----------
    query, body
        Name -> value. What both have counts as the body has it.
    """

    def __init__(self, query: Mapping[str, str], body: Mapping[str, Any]) -> None:
        self._query = query
        self._body = body

    @classmethod
    def of(cls, request: HTTPRequest, budget: ByteBudget) -> Parameters:
        """Those of a request, whose body is read.

        Raises
        ------
        WrongParameter
            It is said to be JSON, and is no object of JSON.
        """
        environ = request.environ
        query = parse_qs(environ.get('QUERY_STRING', ''), keep_blank_values=True)
        first = {name: values[0] for name, values in query.items()}
        raw = bytes(read_body(environ, _MOST_BODY_BYTES, budget))
        kind = environ.get('CONTENT_TYPE', '').partition(';')[0].strip().lower()
        return cls(first, _object(raw) if kind == JSON and raw else {})

    def text(self, *names: str) -> Optional[str]:
        """The first of these that is given, as text; None where there is none, or it is empty."""
        return self._given(names)[1]

    def whole(self, lowest: int, highest: int, *names: str) -> Optional[int]:
        """The first of these that is given, as a whole number; None where there is none."""
        number = self.number(lowest, highest, *names)
        if number is None:
            return None
        if number != int(number):
            raise wrong_value(*self._given(names), f'a whole number from {lowest} to {highest}')
        return int(number)

    def number(self, lowest: float, highest: float, *names: str) -> Optional[float]:
        """The first of these that is given, as a number; None where there is none."""
        name, text = self._given(names)
        if text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            number = float('nan')
        if not lowest <= number <= highest:
            raise wrong_value(name, text, f'a number from {lowest} to {highest}')
        return number

    def truth(self, name: str, default: bool) -> bool:
        """Whether a parameter is ``true``; whatever else is given, nothing too, it is not."""
        value = self._value(name)
        return default if value is None else str(value).lower() == 'true'

    def options(self) -> ModelOptions:
        """What is asked for a model.

        Raises
        ------
        WrongParameter
        """
        workers, most = self.workers()
        delay_ms = self.number(0, _LONGEST_DELAY_MS, 'max_batch_delay')
        return ModelOptions(
            workers or None, most, self.whole(1, _MOST_TOGETHER, 'batch_size'),
            None if delay_ms is None else delay_ms / _MS_PER_S, self._timeout_s())

    def workers(self) -> tuple[Optional[int], Optional[int]]:
        """How many workers are wanted at least, and at most; None where it is not said.

        Raises
        ------
        WrongParameter
        """
        least = self.whole(0, MOST_WORKERS, 'min_worker', 'initial_workers')
        most = self.whole(0, MOST_WORKERS, 'max_worker', 'max_workers')
        if most is not None and most < (1 if least is None else least):
            raise WrongParameter('max_worker cannot be less than min_worker.')
        return least, most

    def check_ignored(self) -> None:
        """Refuse what MMS 1.x would do, and what is not done here.

        Raises
        ------
        WrongParameter
        """
        runtime = self.text('runtime')
        if runtime is not None and runtime.lower() not in _RUNTIMES:
            raise WrongParameter(f'Invalid RuntimeType value: {runtime}')
        if self.text('handler') is not None:
            raise WrongParameter('Parameter handler is not supported: the Service in the '
                                 'MANIFEST.json of an archive says what answers.')

    def _given(self, names: Sequence[str]) -> tuple[str, Optional[str]]:
        """The first of these that is given, and its value."""
        for name in names:
            value = self._value(name)
            if len(str(value)) > _LONGEST_VALUE:
                raise WrongParameter(f'Parameter {name} has more than {_LONGEST_VALUE} '
                                     'characters.')
            if value is not None and value != '':
                return name, str(value)
        return names[0], None

    def _value(self, name: str) -> Any:
        value = self._body.get(name, self._query.get(name))
        if isinstance(value, (dict, list)):
            raise WrongParameter(f'Parameter {name} is not a single value.')
        return value

    def _timeout_s(self) -> Optional[float]:
        name = 'response_timeout'
        if self.text(name) == '-1':
            return None
        scale = 1 if name in self._body else _S_PER_MINUTE
        number = self.number(0, _LONGEST_TIMEOUT_S / scale, name)
        if number == 0:
            raise wrong_value(name, self.text(name), 'a time in which a model can answer')
        return None if number is None else number * scale


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise WrongParameter('The body of the request is no object of JSON, as its Content-Type '
                             'says.')
    return value

"""Whether a contender answers what the service itself does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from body import Body
from contenders.contender import Endpoint
from models import BuiltModel
from processes import BenchmarkError

# Other batch sizes and thread counts sum in another order.
RELATIVE_TOLERANCE = 0.01
TIMEOUT_S = 60


def check_answer(endpoint: Endpoint, built: BuiltModel) -> None:
    """Ask once, and compare the numbers.

    Raises
    ------
    BenchmarkError
        The answer is no 200, or holds other numbers.
    """
    got, wanted = numbers(post(endpoint.url, built.body)['prediction']), numbers(built.answer)
    if len(got) != len(wanted) or any(
            abs(one - other) > RELATIVE_TOLERANCE * abs(other) for one, other in zip(got, wanted)):
        raise BenchmarkError(f'another answer than the service gives: {got}, not {wanted}')


def post(url: str, body: Body) -> Any:
    """Return the parsed answer to one request."""
    request = urllib.request.Request(url, body.file.read_bytes(),
                                     {'Content-Type': body.content_type})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors='replace')
        raise BenchmarkError(f'the first request was answered {error.code}:\n{text}') from error
    except (OSError, ValueError) as error:
        raise BenchmarkError(f'the first request has no answer: {error}') from error


def numbers(answer: Any) -> list[float]:
    """Return the floats of a JSON value in its order."""
    if isinstance(answer, dict):
        answer = list(answer.values())
    if isinstance(answer, list):
        return [number for value in answer for number in numbers(value)]
    return [answer] if isinstance(answer, float) else []

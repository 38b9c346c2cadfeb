"""What it takes to ask a request for its token, in the process of the front.

Run it with::

    python benchmarks/access_cost.py
"""

from __future__ import annotations

import timeit
from typing import Callable

from mms.config.cors_origins import EVERY_ORIGIN
from mms.frontend.access.control import Access
from mms.frontend.access.scopes import PREDICT
from mms.frontend.access.tokens import Token, Tokens, digest_of, made_up
from mms.frontend.chain import Chain
from mms.frontend.exchange import HTTPRequest, HTTPResponse, Route
from mms.metrics.refusals import Refusals

ANSWER = HTTPResponse(200, 'text/plain', (), 0)


def main() -> None:
    """Print the figures."""
    token = made_up()
    route = Route(('POST',), '/<model>/predict', lambda request: ANSWER, scopes=PREDICT)
    request = HTTPRequest({'REQUEST_METHOD': 'POST', 'PATH_INFO': '/m/predict',
                           'HTTP_AUTHORIZATION': f'Bearer {token}'},
                          lambda path, method: (route, {'model': 'm'}, ('POST',)))
    plain = Chain([])
    without = each_us(lambda: plain.enter(request, route.handle))
    for count in (1, 10, 100):
        others = [Token(digest_of(made_up()), PREDICT) for _ in range(count - 1)]
        tokens = Tokens([*others, Token(digest_of(token), PREDICT, 'app')])
        chain = Chain(Access(tokens, EVERY_ORIGIN, Refusals()).control())
        took = each_us(lambda chain=chain: chain.enter(request, route.handle))  # type: ignore[misc]
        print(f'a request asked, of {count:3} tokens     {took - without:8.2f} us')


def each_us(work: Callable[[], object], times: int = 50_000) -> float:
    """The shortest of some averages, in microseconds."""
    return min(timeit.repeat(work, number=times, repeat=5)) / times * 1e6


if __name__ == '__main__':
    main()

"""What the environment of a request costs."""

import tracemalloc

from mms.frontend.http.environ import environ_of
from mms.frontend.http.head import head_of
from mms.frontend.http.headers import plain_headers


def environ(name):
    headers = plain_headers(name.encode() + b': a\r\n\r\n')
    return environ_of(head_of('GET', '/', 'HTTP/1.1', headers), {}, '127.0.0.1', 1)


def test_names_that_a_client_makes_up_are_not_kept():
    tracemalloc.start()
    try:
        for number in range(100):
            name = f'X-{number}-' + 'a' * 60_000
            assert environ(name)['HTTP_' + name.upper().replace('-', '_')] == 'a'
        del name
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < 1_000_000

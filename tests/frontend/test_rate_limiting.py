"""A client makes so many requests, and others as many beside it."""

import pytest
from front import application
from werkzeug.test import Client

from mms.config.rate_limit import RateLimit
from mms.errors import PayloadTooLarge, TooManyRequests
from mms.frontend import rate_limiting
from mms.frontend.application import Application
from mms.frontend.client_key import client_key
from mms.frontend.measuring import Measuring
from mms.frontend.middleware import standard_middleware
from mms.frontend.rate_limiting import RateLimiting, TokenBuckets
from mms.metrics.refusals import RATE, Refusals


@pytest.fixture
def clock(monkeypatch):
    now = [1000.3]
    monkeypatch.setattr(rate_limiting.time, 'monotonic', lambda: now[0])
    return now


def test_as_many_come_at_once_and_one_more_each_time_that_one_is_due(clock):
    buckets = TokenBuckets(RateLimit(3, 60))
    assert [buckets.take('a') for _ in range(3)] == [0, 0, 0]
    assert buckets.take('a') == pytest.approx(20)
    assert buckets.take('b') == 0
    clock[0] += 19
    assert buckets.take('a') == pytest.approx(1)
    clock[0] += 1
    assert buckets.take('a') == 0
    assert buckets.take('a') == pytest.approx(20)
    clock[0] += 1000
    assert [buckets.take('a') for _ in range(3)] == [0, 0, 0]
    assert buckets.take('a') > 0


def test_several_are_taken_together_or_none(clock):
    buckets = TokenBuckets(RateLimit(4, 60))
    assert buckets.take('a', 3) == 0
    assert buckets.take('a', 2) == pytest.approx(15)
    assert buckets.take('a') == 0
    assert buckets.take('a', 4) == pytest.approx(60)


def test_the_entries_of_a_request_count_as_requests(clock):
    refusals = Refusals()
    limiting = RateLimiting(RateLimit(4, 60), refusals)
    limiting.admit('::1', 3)
    limiting.admit('::1', 0)
    with pytest.raises(TooManyRequests, match='more than 4 requests in 60 s') as refused:
        limiting.admit('::1', 2)
    assert refused.value.retry_after_s == 15
    with pytest.raises(PayloadTooLarge, match='has 5 entries, and this client may make 4 requests'):
        limiting.admit('::2', 4)
    assert refusals.counts()[RATE] == 1


@pytest.mark.parametrize('count', [1, 3, 7, 100, 9999])
def test_over_an_hour_it_is_the_rate_that_was_asked_for(clock, count):
    buckets = TokenBuckets(RateLimit(count, 1))
    let = 0
    for _ in range(5 * count):
        let += buckets.take('a') == 0
        clock[0] += 0.5 / count
    assert let == pytest.approx(count + 2.5 * count, abs=2)


def test_however_many_addresses_ask_the_memory_is_bounded(clock, monkeypatch):
    monkeypatch.setattr(rate_limiting, '_MOST_CLIENTS', 10)
    buckets = TokenBuckets(RateLimit(1, 3600))
    for number in range(100):
        assert buckets.take(f'10.0.0.{number}') == 0
    assert len(buckets._full_at) == 10
    assert buckets.take('10.0.0.99') > 0


@pytest.mark.parametrize(('one', 'other', 'is_same'), [
    ('10.0.0.1', '10.0.0.2', False), ('2001:db8::1', '2001:db8::ffff:2', True),
    ('2001:db8::1', '2001:db8:0:1::1', False), ('::ffff:10.0.0.1', '10.0.0.1', True),
    ('fe80::1%eth0', 'fe80::2', True), ('unix', '', False), (':nonsense', 'nonsense:', False),
])
def test_what_is_one_client(one, other, is_same):
    assert (client_key(one) == client_key(other)) is is_same


class Models(dict):
    revision = 0

    def ill_health(self):
        return {}


class Counts:
    def __init__(self):
        self.counted = []

    def count(self, name, model=None):
        self.counted.append((name, model))


class Answers:
    def __init__(self):
        self.models = []

    def answered(self, model, exchange):
        self.models.append((model, exchange.code))


@pytest.fixture
def limited():
    """Ask a server on which each client has one request an hour."""
    def ask(method, path):
        return client.open('/', method=method, environ_overrides={'PATH_INFO': path}).status_code

    ask.counts, ask.answers = Counts(), Answers()
    client = Client(Application(application(Models(m=1)).table, [
        RateLimiting(RateLimit(1, 3600), Refusals()), *standard_middleware(ask.counts),
        Measuring(ask.answers)]))
    return ask


def test_probes_are_not_counted_and_what_looks_like_one_is(limited):
    for _ in range(3):
        assert limited('GET', '/ping') == limited('HEAD', '/health/live') == 200
    assert limited('POST', '/ping') == 405
    for method, path in (('POST', '/ping'), ('GET', '//ping'), ('GET', '/none')):
        assert limited(method, path) == 429


def test_what_is_refused_is_counted_for_no_model(limited):
    assert limited('GET', '/none') == 404
    assert limited('POST', '/m/predict') == 429
    assert limited.answers.models == [('', 404), ('', 429)]
    assert limited.counts.counted == []

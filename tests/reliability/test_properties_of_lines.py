"""What comes out: lines of the log, metrics, addresses; and what is decided without sockets."""

import json
import logging
import string
from collections import Counter
from types import SimpleNamespace

from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from mms.archive.location import redacted
from mms.batching import policy
from mms.config.trusted_proxies import TrustedProxies
from mms.frontend.forwarded import believe
from mms.log.json_lines import JSONFormatter
from mms.log.lines import Formatter
from mms.metrics.exposition import Exposition
from mms.metrics.model_tally import Exchange
from mms.metrics.server_metrics import ServerMetrics
from mms.pool.reconcile import DesiredState, agree, reconcile
from mms.pool.worker import COMING, WorkerKind, WorkerState

TEXT = st.text(st.characters(exclude_categories=[]), max_size=30)
WORD = st.text(string.ascii_letters + string.digits, min_size=3, max_size=12)
SECRET = WORD.map(lambda word: f'SECRET{word}')


class Unprintable:
    def __str__(self):
        raise RuntimeError('no text')

    __repr__ = __str__


ARGUMENTS = TEXT | st.integers() | st.floats() | st.none() | st.builds(Unprintable)


def record_of(message, arguments, name='mms.x'):
    return logging.LogRecord(name, logging.INFO, '/p\n.py', 1, message, tuple(arguments), None, 'f')


@settings(max_examples=examples(100))
@given(TEXT, st.lists(ARGUMENTS, max_size=2), TEXT)
def test_what_is_logged_is_one_line_for_programs_and_makes_no_head_for_people(
        message, arguments, name):
    line = JSONFormatter().format(record_of(message, arguments, name))
    assert line.isascii()
    assert line.splitlines() == [line]
    assert json.loads(line)['level'] == 'INFO'
    json.loads(line)['message'].encode('utf-8')
    text = Formatter(coloured=False).format(record_of(message, arguments, name))
    text.encode('utf-8')
    assert not any(further.startswith('[') for further in text.split('\n')[1:])
    assert set(text) & set('\x00\x1b\x7f\x85\r\u2028\u202e') == set()


@settings(max_examples=examples(100))
@given(TEXT)
def test_what_a_client_has_sent_is_one_line(text):
    line = Formatter(coloured=False).format(record_of('%s', [text]))
    assert line.split('\n') == [line]


@settings(max_examples=examples(25))
@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=['Cs']), min_size=1),
                          st.integers(100, 599), st.floats(0, 1000), st.floats()), max_size=4))
def test_prometheus_reads_whatever_is_counted(exchanges):
    metrics = ServerMetrics()
    for name, *_ in exchanges:
        metrics.add_model(name)
    counts = Counter()
    for name, code, seconds, stage_ms in exchanges:
        counts[name, str(code)] += 1
        metrics.answered(name, Exchange('classic', code, seconds, seconds,
                                         {'inference': stage_ms, 'x': 1.0}))
    text, _ = Exposition(metrics, ('ready',), ('idle',)).text('')
    found = Counter()
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            assert sample.value == sample.value
            if sample.name == 'mms_requests_total' and sample.value:
                found[sample.labels['model'], sample.labels['code']] += sample.value
    assert found == counts


@settings(max_examples=examples(150))
@given(st.sampled_from(['', ' ', 'm=', '"', '\n', "['"]),
       st.sampled_from(['https://', 'HTTP://', 's3://', 'ftp://', 'https:/', 'https:', 'x+y://']),
       st.none() | WORD, SECRET, st.sampled_from(['', '/', '@', ':', '\n', '%2f', '&']), WORD,
       st.sampled_from(['', '?k=', '#', '?a=b&k=', '?@']), SECRET)
def test_no_secret_of_a_url_is_in_what_is_shown(
        before, scheme, user, secret, odd, host, behind, key):
    if scheme == 'x+y://' and before:
        before = ' '
    query = behind + key if behind else ''
    shown = redacted(f'{before}{scheme}{user or ""}:{secret}{odd}{secret}@{host}/a.model{query}')
    assert 'SECRET' not in shown
    assert shown.endswith(f'{host}/a.model') or odd in '/@:\n&'


ADDRESS = st.ip_addresses().map(str)


@settings(max_examples=examples(100))
@given(st.lists(ADDRESS, min_size=1, max_size=3), ADDRESS, st.lists(ADDRESS | TEXT, max_size=5),
       TEXT, TEXT)
def test_nobody_is_believed_but_a_proxy(proxies, peer, noted, scheme, host):
    said = {'REMOTE_ADDR': peer, 'HTTP_X_FORWARDED_FOR': ','.join(noted), 'HTTP_HOST': 'h',
            'HTTP_X_FORWARDED_PROTO': scheme, 'HTTP_X_FORWARDED_HOST': host,
            'wsgi.url_scheme': 'http'}
    trusted = TrustedProxies(','.join(proxies))
    environ = dict(said)
    believe(environ, trusted)
    if not trusted.trusts(peer):
        assert environ == said
    assert environ['wsgi.url_scheme'] in ('http', 'https')
    assert set(environ['REMOTE_ADDR'] + environ['HTTP_HOST']) <= set(
        string.ascii_letters + string.digits + '.:%-_[]')
    everybody = TrustedProxies('*')
    believe(environ, everybody)
    assert everybody.trusts(peer)


COUNT = st.integers(0, 5000)


@settings(max_examples=examples(150))
@given(COUNT, st.integers(0, 1024), st.integers(1, 1024), st.floats(0, 1e5),
       st.floats(0.001, 86_400))
def test_batches_are_within_their_bounds(waiting, workers, most, each_s, timeout_s):
    each_s = each_s if each_s > 1e-6 else 0
    for size in (policy.fair_share(waiting, workers, most),
                 policy.largest_batch(waiting, workers, most),
                 policy.batch_in_time(most, each_s, timeout_s),
                 policy.trial_size(most, each_s, timeout_s)):
        assert 1 <= size <= most
    share = policy.fair_share(waiting, workers, most)
    assert share * max(1, workers) >= min(waiting, most)
    assert 1 <= policy.retry_after_s(waiting, each_s, workers) <= 60
    assert 0 < policy.trial_timeout_s(share, each_s, timeout_s) <= timeout_s


KINDS = [WorkerKind(1), WorkerKind(4), WorkerKind(1, None, False)]
LIVING = [state for state in WorkerState if state is not WorkerState.GONE]
VIEWS = st.builds(
    lambda kind, state, since, worn: SimpleNamespace(kind=kind, state=state, since=since,
                                                     is_to_be_replaced=worn),
    st.sampled_from(KINDS), st.sampled_from(LIVING), st.floats(0, 1000), st.booleans())
SERVES = (WorkerState.IDLE, WorkerState.BUSY)


def serving(workers, worn=True):
    return Counter(one.kind for one in workers
                   if one.state in SERVES and (worn or not one.is_to_be_replaced))


@settings(max_examples=examples(200))
@given(st.lists(st.sampled_from(KINDS), max_size=5).map(lambda kinds: DesiredState(tuple(kinds))),
       st.lists(VIEWS, max_size=8), st.randoms(use_true_random=False))
def test_whatever_workers_there_are_they_become_those_that_are_wanted(desired, workers, random):
    clock = 2000.0
    coming = Counter(one.kind for one in workers if one.state in COMING)
    most = {kind: max(desired.count(kind), coming[kind]) for kind in KINDS}
    for _ in range(60):
        actions = reconcile(desired, workers)
        before, fresh = serving(workers), serving(workers, worn=False)
        for one in actions.retire:
            assert one.state in SERVES
            one.state = WorkerState.RETIRING
        after = serving(workers)
        assert all(after[kind] >= min(desired.count(kind), before[kind]) for kind in KINDS)
        if not any(one.is_to_be_replaced and fresh[one.kind] for one in actions.retire):
            # None has a successor: all that are wanted serve on, of whatever kind.
            assert sum(after.values()) >= min(len(desired.kinds), sum(before.values()))
        for kind in (*actions.spawn, *actions.replace):
            assert kind in desired.kinds
            workers.append(SimpleNamespace(kind=kind, state=WorkerState.SPAWNING, since=clock,
                                           is_to_be_replaced=False))
        coming = Counter(one.kind for one in workers if one.state in COMING)
        assert all(coming[kind] <= most[kind] for kind in KINDS)
        if agree(desired, workers):
            return
        going = [one for one in workers if one.state not in SERVES]
        one = random.choice(going) if going else None
        clock += 1
        if one is not None and one.state in COMING:
            one.state, one.since = WorkerState.IDLE, clock
        elif one is not None:
            workers.remove(one)
    raise AssertionError(f'{desired} and {workers} after 60 rounds')

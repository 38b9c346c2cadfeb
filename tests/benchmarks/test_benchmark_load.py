"""The client of benchmarks/ that sends at a fixed rate, and servers that stand still or fail."""

import contextlib
import http.server
import threading
import time

import pytest
from answerer import answering
from body import picture_body, urlencoded_body
from processes import BenchmarkError
from timed_load import _load, run_at_rate, run_closed


@pytest.fixture
def body(tmp_path):
    return urlencoded_body('[[1, 2, 3, 4]]', tmp_path / 'body')


@pytest.fixture
def answerer():
    with answering() as (_, port):
        yield f'http://127.0.0.1:{port}/predict'


@contextlib.contextmanager
def server(answer):
    """A server that answers the n-th request with the status that ``answer(n)`` returns."""
    count = iter(range(1_000_000))
    posts = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def do_POST(self):
            content = self.rfile.read(int(self.headers['Content-Length']))
            posts.append((self.headers['Content-Type'], content))
            status = answer(next(count))
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header('Content-Length', '0')
            self.end_headers()

        def log_message(self, *words):
            pass

    made = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    try:
        yield f'http://127.0.0.1:{made.server_port}/', posts
    finally:
        made.shutdown()
        made.server_close()


def still_once(number):
    if number == 10:
        time.sleep(0.5)
    return 200


def test_as_many_are_sent_as_are_due_and_several_clients_share_them(answerer, body):
    for clients in (1, 2):
        load = run_at_rate(answerer, body, 200, 1, connections=4, clients=clients)
        assert 100 < load.held_per_s <= 200
        assert load.errors == 0
        assert 0 < load.cores < 2
        assert 0 < load.p50_ms <= load.p99_ms <= load.longest_ms


def test_a_server_that_stands_still_is_charged_for_what_waited_to_be_sent(body):
    with server(still_once) as (url, _):
        timed = run_at_rate(url, body, 100, 0.6, connections=1)
    # Of some 60 requests one was slow, and some 40 were due meanwhile.
    assert timed.p50_ms > 50
    assert timed.longest_ms >= 500


def test_the_closed_load_waits_with_the_server(body):
    with server(still_once) as (url, posts):
        closed = run_closed(url, body, 1, 1.2, 0)
        assert closed.longest_ms >= 500
        assert closed.p50_ms < 50
        assert len(posts) > 20


def test_the_first_answers_of_each_client_may_be_left_out():
    seen = [{'times_us': [600_000, 500_000, 2000, 1000], 'lags_us': [0], 'good_in_time': 4,
             'errors': 0, 'unanswered': 0, 'cpu_s': 0.1}] * 2
    assert [_load(seen, 1.0, skip).longest_ms for skip in (0, 1, 2)] == [600, 500, 2]


def test_refusals_and_lost_connections_are_errors(body):
    answers = {5: 503, 7: None}
    with server(lambda number: answers.get(number, 200)) as (url, posts):
        load = run_at_rate(url, body, 50, 1, connections=2)
    assert load.errors == 2
    assert len(posts) == 50


def test_each_picture_is_sent_with_a_boundary_of_its_own(tmp_path):
    pictures = picture_body(b'one', tmp_path / 'pictures', [b'two'])
    with server(lambda number: 200) as (url, posts):
        run_at_rate(url, pictures, 20, 0.5, connections=1)
    assert len({kind for kind, _ in posts}) == len(posts) == 10
    assert [b'one' in content for _, content in posts] == [True, False] * 5


def test_where_nothing_is_answered_200_there_are_no_figures(body):
    with server(lambda number: 500) as (url, _), pytest.raises(BenchmarkError, match='no request'):
        run_at_rate(url, body, 20, 0.2, connections=2)


def test_a_client_that_cannot_connect_says_so(body):
    with pytest.raises(BenchmarkError, match='the load client failed: .*refused'):
        run_at_rate('http://127.0.0.1:1/', body, 20, 0.2)

"""Both clients before a port that fails in every way: what is asked again, and what is said."""

import asyncio
import contextlib
import inspect
import itertools
import signal
import socket
import subprocess
import sys
import threading
import time

import launcher
import pytest
from harness import TENSORS, until
from prediction_port import ANSWERED, CLIENTS, half, hanging, lost, no_http, predicting, trickling

from mms.client import (
    AsyncClient,
    Client,
    ClientError,
    ConnectionLost,
    ConnectTimedOut,
    ModelFailed,
    ModelNotFound,
    NotReached,
    RequestRefused,
    Retries,
    TimedOut,
    Timeouts,
    TooManyRequests,
    Unavailable,
    UnreadableAnswer,
    WrongUse,
)

MODELS = {'m': TENSORS}
BUSY = (503, {'code': 503, 'type': 'ServiceUnavailableException', 'message': 'Many wait.'},
        {'Retry-After': '0'})
LIMITED = (429, {'code': 429, 'type': 'TooManyRequestsException', 'message': 'Slower.'},
           {'Retry-After': '0'})
SOON = Retries(first_wait_s=0.001)


@pytest.fixture(params=CLIENTS)
def connect(request):
    """Make a client; it is closed when the test ends."""
    made = []

    def connect(*words, **options):
        made.append(CLIENTS[request.param](*words, **{'retries': SOON, **options}))
        return made[-1]

    yield connect
    for client in made:
        client.close()


def failed(client, cls, given='[[1]]', **options):
    with pytest.raises(ClientError) as found:
        client.predict('m', given, **options)
    assert type(found.value) is cls
    return found.value


@pytest.mark.parametrize('act', [BUSY, LIMITED])
def test_who_is_turned_away_comes_again_with_the_same_request(connect, act):
    with predicting(MODELS, act, act, ANSWERED) as port:
        assert connect(port.url).predict('m', [[1]]) == ['fine']
    assert len(port.posted) == 3
    assert len({asked.headers['X-Request-Id'] for asked in port.posted}) == 1
    assert all(b'[[1]]' in asked.body for asked in port.posted)


def test_retry_after_is_waited_for(connect):
    with predicting(MODELS, (*BUSY[:2], {'Retry-After': '1'}), ANSWERED) as port:
        client = connect(port.url)
        client.inputs('m')
        begun = time.monotonic()
        assert client.predict('m', [[1]]) == ['fine']
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize(('act', 'cls'), [(BUSY, Unavailable), (LIMITED, TooManyRequests)])
def test_who_is_turned_away_for_ever_is_told(connect, act, cls):
    with predicting(MODELS, act) as port:
        error = failed(connect(port.url), cls)
    assert (len(port.posted), error.retry_after_s, error.may_have_run) == (3, 0, False)
    assert error.request_id == port.posted[0].headers['X-Request-Id']


def test_a_wait_that_does_not_fit_is_not_begun(connect):
    with predicting(MODELS, (*BUSY[:2], {'Retry-After': '20'})) as port:
        begun = time.monotonic()
        assert failed(connect(port.url), Unavailable, timeout=10).retry_after_s == 20
    assert len(port.posted) == 1
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(('act', 'cls'), [
    (lost, ConnectionLost), (half, ConnectionLost), (hanging, TimedOut), ((503, {}), Unavailable),
    ((502, b'Bad Gateway'), ModelFailed)])
def test_what_may_have_run_is_asked_once_unless_that_was_said(connect, act, cls):
    timeouts = Timeouts(read_s=0.3)
    with predicting(MODELS, act, ANSWERED) as port:
        error = failed(connect(port.url, timeout=timeouts), cls)
        assert len(port.posted) == 1
    assert error.may_have_run
    assert error.request_id == port.posted[0].headers['X-Request-Id']
    repeating = Retries(first_wait_s=0.001, even_if_it_may_have_run=True)
    with predicting(MODELS, act, ANSWERED) as port:
        assert connect(port.url, timeout=timeouts, retries=repeating).predict('m', [[1]]) == [
            'fine']
    assert len(port.posted) == 2


@pytest.mark.parametrize(('act', 'cls', 'said'), [
    ((400, {'type': 'BadRequestException', 'message': 'No.'}), RequestRefused, 'No.'),
    ((404, {'type': 'ResourceNotFoundException', 'message': 'Gone.'}), ModelNotFound, 'Gone.'),
    ((500, {'type': 'InternalServerException', 'message': 'A hook raised.'}), ModelFailed,
     'A hook raised.'),
    (no_http, UnreadableAnswer, 'is no HTTP'), ((200, b'<html>'), UnreadableAnswer, '<html>'),
    ((200, {'result': 1}), UnreadableAnswer, 'without a prediction: {"result": 1}'),
    ((307, b'', {'Location': 'https://elsewhere/'}), UnreadableAnswer, 'https://elsewhere/')])
def test_what_would_fail_once_more_is_asked_once(connect, act, cls, said):
    with predicting(MODELS, act) as port:
        client = connect(port.url, retries=Retries(even_if_it_may_have_run=True))
        assert said in failed(client, cls).message
    assert len(port.posted) == 1


def test_a_connection_is_tried_again_and_nothing_was_sent(connect):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
    begun = time.monotonic()
    client = connect(f'http://127.0.0.1:{port}', retries=Retries(first_wait_s=0.2))
    error = failed(client, NotReached)
    # Two pauses of a half at least.
    assert time.monotonic() - begun > 0.1 + 0.2
    assert (error.may_have_run, error.request_id) == (False, None)
    assert f'no server listens at http://127.0.0.1:{port}' in str(error)


def test_a_model_that_changes_is_looked_at_anew(connect):
    signatures = dict(MODELS)
    with predicting(signatures, (400, {'message': 'It takes x now.'}), ANSWERED) as port:
        client = connect(port.url)
        client.inputs('m')
        signatures['m'] = {**TENSORS, 'inputs': [{'data_name': 'x', 'data_shape': [0, 1]}]}
        signatures['later'] = TENSORS
        failed(client, RequestRefused)
        assert client.predict('m', {'x': [[1]]}) == ['fine']
        assert client.predict('later', [[1]]) == ['fine']


def test_a_socket_that_is_not_there_is_told(connect, tmp_path):
    error = failed(connect(f'unix:{tmp_path}/s', retries=1), NotReached)
    assert f'no server listens at unix:{tmp_path}/s' in str(error)


def test_a_server_that_comes_later_is_reached(connect, tmp_path):
    path = tmp_path / 's'
    client = connect(f'unix:{path}', retries=Retries(attempts=200, first_wait_s=0.05,
                                                     longest_wait_s=0.05))
    server = socket.socket(socket.AF_UNIX)

    def answer():
        server.bind(str(path))
        server.listen()
        connection, _ = server.accept()
        connection.recv(65536)
        body = b'{"health": "healthy!"}'
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b' % (len(body), body))
        connection.close()

    later = threading.Timer(0.2, answer)
    later.start()
    try:
        assert client.is_healthy()
    finally:
        later.join()
        server.close()


def test_a_server_that_takes_no_connections_is_left(connect):
    with socket.socket() as full, contextlib.ExitStack() as others:
        full.bind(('127.0.0.1', 0))
        full.listen(0)
        for _ in range(4):
            other = others.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        client = connect(f'http://127.0.0.1:{full.getsockname()[1]}',
                         timeout=Timeouts(connect_s=0.2), retries=1)
        assert 'within 0.2 s' in str(failed(client, ConnectTimedOut))


@pytest.mark.parametrize('act', [hanging, trickling])
def test_the_time_for_a_call_has_an_end_whatever_the_server_does(connect, act):
    with predicting(MODELS, act) as port:
        client = connect(port.url)
        client.inputs('m')
        assert 'within 0.3 s' in str(failed(client, TimedOut, timeout=0.3))
        assert 'within 0.4 s' in str(failed(connect(port.url, timeout=0.4), TimedOut))


def test_an_upload_that_nobody_takes_has_an_end(connect):
    with predicting(MODELS, ANSWERED) as port:
        client = connect(port.url)
        client.inputs('m')
        port.takes_nothing = True
        assert 'within 0.5 s' in str(
            failed(client, TimedOut, b'[' + b'1,' * 2**23 + b'1]', timeout=0.5))


def test_connections_are_kept_and_are_no_more_than_asked_for(connect):
    with predicting(MODELS, ANSWERED) as port:
        client = connect(port.url, connections=2)
        for _ in range(5):
            client.predict('m', [[1]])
        assert port.connections == 1
        assert list(client.predict_many('m', [[[1]]] * 20, parallel=8)) == [['fine']] * 20
        assert port.connections == 2


def test_who_gets_no_connection_in_time_is_told():
    with predicting(MODELS, hanging) as port, Client(port.url, connections=1) as client:
        client.inputs('m')
        other = threading.Thread(target=failed, args=(client, ConnectionLost))
        other.start()
        until(lambda: port.posted)
        error = failed(client, ConnectTimedOut, timeout=0.2)
        assert 'no connection' in str(error)
        assert not error.may_have_run
        assert len(port.posted) == 1
        port.is_over.set()
        other.join()


def test_a_client_that_is_closed_asks_nothing_more():
    with predicting(MODELS, ANSWERED) as port:
        client = Client(port.url)
        assert client.predict('m', [[1]]) == ['fine']
        client.close()
        client.close()
        with pytest.raises(WrongUse, match='the client is closed'):
            client.predict('m', [[1]])

        async def ask():
            async with AsyncClient(port.url) as other:
                assert await other.predict('m', [[1]]) == ['fine']
            with pytest.raises(WrongUse, match='the client is closed'):
                await other.predict('m', [[1]])

        asyncio.run(ask())
    assert len(port.posted) == 2


def test_a_connection_that_the_server_has_ended_is_made_anew(connect):
    closing = (*ANSWERED, {'Connection': 'close'})
    with predicting(MODELS, closing) as port:
        client = connect(port.url, retries=1)
        for _ in range(3):
            assert client.predict('m', [[1]]) == ['fine']
    assert len(port.posted) == 3


def test_as_many_run_at_a_time_as_are_asked_for(connect):
    now, most, lock = set(), [0], threading.Lock()

    def act(handler, asked):
        with lock:
            now.add(asked.value)
            most[0] = max(most[0], len(now))
        time.sleep(0.03)
        with lock:
            now.remove(asked.value)
        handler.tell(*ANSWERED)

    with predicting(MODELS, act) as port:
        assert len(list(connect(port.url).predict_many('m', map(row, range(12)), parallel=3))) == 12
    assert most[0] == 3


def row(number):
    return [[number]]


def echo(handler, asked):
    """Answer what was sent, the first one late; 3 is refused."""
    time.sleep(0.1 if asked.value == '[[0]]' else 0)
    handler.tell(*((400, {'message': 'no 3'}) if asked.value == '[[3]]' else
                   (200, {'prediction': asked.value})))


def test_results_come_in_the_order_of_what_was_given_and_errors_in_their_places(connect):
    with predicting(MODELS, echo) as port:
        found = list(connect(port.url).predict_many('m', map(row, range(9)), parallel=4,
                                                    errors='return'))
    assert type(found[3]) is RequestRefused
    assert [*found[:3], *found[4:]] == [f'[[{n}]]' for n in range(9) if n != 3]


def test_the_first_error_ends_what_was_begun(connect):
    with predicting(MODELS, echo) as port:
        results = connect(port.url).predict_many('m', map(row, itertools.count()), parallel=2)
        assert [next(results) for _ in range(3)] == ['[[0]]', '[[1]]', '[[2]]']
        with pytest.raises(RequestRefused, match='no 3'):
            next(results)
        assert list(results) == []
        came = len(port.posted)
    assert came <= 3 + 4 * 2


def test_nothing_is_asked_before_the_first_result_is_taken_and_little_more_than_is(connect):
    taken = []
    with predicting(MODELS, ANSWERED) as port:
        results = connect(port.url).predict_many(
            'm', (taken.append(n) or row(n) for n in itertools.count()), parallel=2)
        assert not taken
        for _ in range(5):
            next(results)
        results.close()
        assert len(taken) <= 5 + 4 * 2


@pytest.mark.parametrize(('options', 'said'), [
    ({'parallel': 0}, 'parallel=0'), ({'parallel': 1.5}, 'parallel=1.5'),
    ({'errors': 'ignore'}, "errors='ignore' is neither 'raise' nor 'return'")])
def test_wrong_settings_are_told_at_the_call(connect, options, said):
    with pytest.raises(WrongUse, match=said):
        connect().predict_many('m', [], **options)


@pytest.mark.parametrize(('url', 'options', 'said'), [
    ('ftp://x', {}, "'ftp://x' is no address of a server: it is http://HOST:PORT, "
                    'https://HOST:PORT or unix:PATH'),
    ('http://user:secret@x', {}, "'x' is no address of a server"),
    ('http://a..b', {}, "'http://a..b' is no address of a server"),
    (f"http://{'a' * 64}.b", {}, 'is no address of a server'),
    ('http://xn--', {}, "'http://xn--' is no address of a server"),
    ('http://x/a\x01b', {}, "'http://x/a\\x01b' is no address of a server"),
    ('http://x', {'ca': 'ca.pem'}, 'ca: only for TLS, which http://x does without'),
    ('https://x', {'ca': 'none.pem'}, "ca 'none.pem' cannot be used"),
    ('https://x', {'key': 'key.pem'}, "key 'key.pem' is given without its certificate: give cert"),
    ('unix:/s', {'cert': 'c'}, 'cert: only for TLS'),
    ('http://x', {'token': 'two\nlines'}, 'the token is none'),
    ('http://x', {'timeout': 0}, 'total_s=0'), ('http://x', {'retries': 0}, 'attempts=0'),
    ('http://x', {'connections': 0}, 'connections=0')])
def test_wrong_settings_are_told_when_the_client_is_made(url, options, said):
    for cls in (Client, AsyncClient):
        with pytest.raises(WrongUse) as found:
            cls(url, **options)
        assert said in str(found.value)
        assert 'secret' not in str(found.value)


@pytest.mark.parametrize('proxy', ['socks9://127.0.0.1:1', 'http://x:port'])
def test_a_proxy_that_cannot_be_used_is_told(monkeypatch, connect, proxy):
    monkeypatch.setenv('ALL_PROXY', proxy)
    with pytest.raises(WrongUse, match='the proxy that the environment names cannot be used'):
        connect('http://127.0.0.1:1').models()


def test_who_leaves_the_loop_of_an_async_client_leaves_nothing_behind():
    async def ask():
        with predicting(MODELS, ANSWERED, hanging) as port:
            async with AsyncClient(port.url) as client:
                results = client.predict_many('m', map(row, range(100)), parallel=3)
                async for prediction in results:
                    assert prediction == ['fine']
                    break
                await results.aclose()
            return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(ask()) == set()


HANGS_ON = '''
import sys
from mms.client import Client
for prediction in Client({url!r}).predict_many('m', [[[1]]] * 9, parallel=3):
    print(prediction, flush=True)
'''


def test_a_script_that_waits_for_many_ends_at_ctrl_c():
    with predicting(MODELS, ANSWERED, hanging) as port:
        process = subprocess.Popen([sys.executable, '-c', HANGS_ON.format(url=port.url)], text=True,
                                   env=launcher.environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        until(lambda: len(port.posted) == 4)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert not port.is_over.is_set()
    assert errors.endswith('KeyboardInterrupt\n')


def test_what_a_generator_of_inputs_raises_is_raised(connect):
    def inputs():
        yield [[1]]
        raise KeyError('mine')

    with predicting(MODELS, ANSWERED) as port, pytest.raises(KeyError, match='mine'):
        list(connect(port.url).predict_many('m', inputs()))


def test_both_clients_have_the_same_methods_with_the_same_parameters():
    def surface(cls):
        return {name: list(inspect.signature(method).parameters.values())
                for name, method in inspect.getmembers(cls, inspect.isfunction)
                if not name.startswith('_')}

    def plain(parameters):
        return [(each.name, each.kind, each.default) for each in parameters]

    one, other = surface(Client), surface(AsyncClient)
    assert one.keys() == other.keys() >= {'predict', 'predict_many', 'models', 'close'}
    for name in one:
        assert plain(one[name]) == plain(other[name])
    assert inspect.signature(Client) == inspect.signature(AsyncClient)

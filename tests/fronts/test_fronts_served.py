"""Several front processes are one server: to clients, in its metrics, under its limits."""

import os
import signal
import socket
import threading

import pytest
import requests
from fronts_asked import Client, fronts, held_bytes, samples, value, who_answered
from harness import Server, until

OK = '{"prediction":["a"]}\n'


@pytest.fixture(scope='module')
def server(archive, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp('fronts'), [
        '--models', f'm={archive}', '--workers', '1', '--front-processes', '2',
        '--max-request-size', '4M', '--max-buffered-bytes', '8M', '--management-port', '0',
        '--management-token', 'none', '--model-store', os.path.dirname(archive)])
    yield server.wait_until_up()
    server.stop()


def test_connections_are_spread_evenly_and_each_answer_is_counted_when_it_is_there(server):
    pids = {process.pid for process in fronts(server)}
    clients = [Client(server) for _ in range(4)]
    # Those who ask for metrics come and go.
    assert [client.ask() for client in clients] == [(200, OK)] * 4
    before = value(server, 'mms_requests_total', model='m', protocol='classic', code='200')
    for number, client in enumerate(clients * 3, 1):
        assert client.ask() == (200, OK)
        assert value(server, 'mms_requests_total', model='m', protocol='classic',
                     code='200') == before + number
    for client in clients:
        client.close()
    until(lambda: len(who_answered(server)) >= 16)
    asked = who_answered(server)[-12:]
    assert {pid: asked.count(pid) for pid in asked} == dict.fromkeys(pids, 6)


def test_what_is_no_prediction_is_answered_by_the_server_itself(server):
    client = Client(server)
    assert client.get('/ping') == (200, '{"health":"healthy!"}\n')
    assert client.get('/m/predict')[0] == 405
    assert client.ask(path='/nobody/predict')[0] == 404
    assert '/m/predict' in client.get('/api-description')[1]
    assert requests.options(f'{server.url}/m/predict', timeout=30).headers['Allow'] == \
        'OPTIONS, POST'
    assert requests.head(f'{server.url}/ping', timeout=30).headers['Content-Length'] == '22'
    client.close()


def test_large_bodies_and_answers_cross_in_pieces_beside_small_ones(server):
    large = f'[["count", "{"y" * 3_000_000}"]]'
    with_body, with_answer, small = Client(server), Client(server), Client(server)
    with_body.send(large)
    with_answer.send('[["large", 3000000]]')
    assert small.ask() == (200, OK)
    assert with_body.answer() == (200, '{"prediction":3000004}\n')
    status, text = with_answer.answer()
    assert (status, len(text)) == (200, 3_000_000 + len('{"prediction":""}\n'))
    for client in (with_body, with_answer, small):
        client.close()
    chunked = requests.post(f'{server.url}/m/predict', data=iter([b'data=[["count', b'", "',
                            b'z' * 200_000, b'"]]']), timeout=60, headers={
                                'Content-Type': 'application/x-www-form-urlencoded'})
    assert chunked.json() == {'prediction': 200_004}


def test_a_body_that_is_too_large_is_refused_and_counted(server):
    client = Client(server)
    assert client.ask('x' * 5_000_000)[0] == 413
    client.close()
    assert value(server, 'mms_requests_refused_total', model='m', reason='too_large') == 1


def test_all_fronts_together_hold_no_more_than_they_may(server):
    held = [socket.create_connection(('127.0.0.1', server.port), 30) for _ in range(2)]
    for sock in held:
        sock.sendall(b'POST /m/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 4190000\r\n\r\n')
        sock.sendall(b'x' * 4_189_999)
    # A request that came before would take the place of what is still to come of these.
    until(lambda: held_bytes(server) >= 8_380_000)
    client = Client(server)
    until(lambda: client.ask(f'[["a"]]&more={"y" * 10_000}')[0] == 503)
    assert client.get('/ping')[0] == 200
    for sock in held:
        sock.close()
    until(lambda: client.ask(f'[["a"]]&more={"y" * 10_000}') == (200, OK))
    client.close()


def test_what_is_no_request_is_counted_with_the_rest(server):
    before = value(server, 'mms_refused_total', reason='bad_head')
    for _ in range(2):
        with socket.create_connection(('127.0.0.1', server.port), 30) as client:
            client.sendall(b'nonsense\r\n\r\n')
            assert client.recv(100).startswith(b'HTTP/1.1 400 ')
    assert value(server, 'mms_refused_total', reason='bad_head') == before + 2


def test_a_request_whose_client_has_left_is_not_computed(server):
    before = value(server, 'mms_batch_size_sum', model='m')
    left = {'model': 'm', 'reason': 'client_left'}
    left_before = value(server, 'mms_requests_refused_total', **left)
    busy, leaves = Client(server), Client(server)
    busy.send('[["sleep", 1.5]]')
    until(lambda: value(server, 'mms_requests_in_flight', model='m') == 1)
    leaves.send('[["never"]]')
    until(lambda: value(server, 'mms_queue_requests', model='m') == 1)
    leaves.close()
    assert busy.answer()[0] == 200
    until(lambda: value(server, 'mms_requests_refused_total', **left) == left_before + 1)
    busy.close()
    assert value(server, 'mms_batch_size_sum', model='m') == before + 1


def test_a_model_that_comes_and_goes_does_so_in_every_front_at_once(server):
    manage = server.log.partition('Management endpoint: ')[2].partition(' ')[0]
    clients = [Client(server) for _ in range(4)]
    for _ in range(2):
        assert requests.post(f'{manage}/models?url=does.model&model_name=other&initial_workers=1',
                             timeout=60).status_code == 200
        assert [client.ask(path='/other/predict') for client in clients] == [(200, OK)] * 4
        assert requests.delete(f'{manage}/models/other', timeout=60).status_code == 200
        assert [client.ask(path='/other/predict')[0] for client in clients] == [404] * 4
    assert [client.ask(path='/invocations') for client in clients] == [(200, OK)] * 4
    # One that has no worker is known, too.
    assert requests.post(f'{manage}/models?url=does.model&model_name=other&initial_workers=0',
                         timeout=60).status_code == 200
    for client in clients:
        status, told = client.ask(path='/invocations')
        assert (status, '2 models are served' in told) == (400, True)
    assert client.ask(path='/other/predict')[0] == 503
    assert requests.delete(f'{manage}/models/other', timeout=60).status_code == 200
    assert [client.ask(path='/invocations') for client in clients] == [(200, OK)] * 4
    for client in clients:
        client.close()


def test_the_log_file_is_opened_again_by_all(server):
    log = server.folder / 'mms_app.log'
    log.rename(server.folder / 'moved.log')
    os.kill(server.pid, signal.SIGUSR1)
    until(lambda: 'opened again' in server.log)
    clients = [Client(server) for _ in range(2)]
    assert [client.ask() for client in clients] == [(200, OK)] * 2
    until(lambda: len(set(who_answered(server))) == 2)
    for client in clients:
        client.close()


def test_a_front_that_is_killed_costs_its_own_connections_alone_and_another_comes(server):
    first, second = fronts(server)
    clients = [Client(server) for _ in range(6)]
    stopping, lost, answered = threading.Event(), set(), []

    def ask(place):
        while not stopping.is_set():
            try:
                answered.append(clients[place].ask())
            except OSError:
                lost.add(place)
                clients[place].close()

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(clients))]
    for thread in threads:
        thread.start()
    until(lambda: len(answered) > 50)
    first.kill()
    until(lambda: f'Front process {first.pid} has ended (SIGKILL): its connections are lost, and '
                  'another takes its place.' in server.log)
    until(lambda: len(fronts(server)) == 2)
    so_far = len(answered)
    until(lambda: len(answered) > so_far + 50)
    stopping.set()
    for thread in threads:
        thread.join()
    # About half of them: who came before may have left just now.
    assert 0 < len(lost) < len(clients)
    assert set(answered) == {(200, OK)}
    assert second.is_running()
    [new] = [process for process in fronts(server) if process.pid != second.pid]

    def served_by_new():
        one, other = Client(server), Client(server)
        assert (one.ask(), other.ask()) == ((200, OK), (200, OK))
        one.close()
        other.close()
        return new.pid in who_answered(server)

    until(served_by_new)
    for client in clients:
        client.close()
    assert not [number for labels, number in samples(server, 'mms_requests_total').items()
                if ('code', '500') in labels]


def test_while_no_front_is_there_the_server_answers_itself(server):
    for process in fronts(server):
        os.kill(process.pid, signal.SIGKILL)

    def answers():
        client = Client(server)
        try:
            assert client.ask() == (200, OK)
        except OSError:
            # It was given to one that was just killed.
            pass
        finally:
            client.close()
        return server.pid in who_answered(server)

    until(answers)
    until(lambda: len(fronts(server)) == 2)

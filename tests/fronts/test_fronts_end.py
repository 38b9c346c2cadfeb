"""However a server of several front processes ends, no request is lost and no process stays."""

import os
import signal
import threading

import psutil
import pytest
from fronts_asked import Client, fronts, who_answered
from harness import until

OK = (200, '{"prediction":["a"]}\n')


def started(serve, archive, *words):
    return serve('--models', f'm={archive}', '--workers', '1', '--front-processes', '2', *words)


def processes_of(server):
    return psutil.Process(server.pid).children(recursive=True)


def test_requests_in_every_front_are_finished_at_sigterm(serve, archive):
    server = started(serve, archive, '--metrics-write-to', 'log')
    clients = [Client(server) for _ in range(4)]
    for client in clients:
        client.send('[["sleep", 0.4]]')
    until(lambda: Client(server).get('/metrics')[1].find(
        'mms_requests_in_flight{model="m"} 4.0') > 0)
    idle = Client(server)
    assert idle.ask() == OK
    all_of_it = processes_of(server)
    server.process.send_signal(signal.SIGTERM)
    answers = [client.answer() for client in clients]
    assert answers == [(200, '{"prediction":["sleep",0.4]}\n')] * 4
    assert server.wait() == 0
    assert not [process for process in all_of_it if process.is_running()]
    assert len(set(who_answered(server))) == 2
    # Those that were counted last are in the last report.
    assert 'Metric PredictionTotal for last 60 seconds is 5.0' in server.log
    assert '[ERROR' not in server.log


def test_a_signal_to_all_processes_is_one_for_the_server(serve, archive):
    server = started(serve, archive)
    client = Client(server)
    client.send('[["sleep", 0.5]]')
    until(lambda: Client(server).get('/metrics')[1].find(
        'mms_requests_in_flight{model="m"} 1.0') > 0)
    all_of_it = processes_of(server)
    for process in [*fronts(server), server.process]:
        process.send_signal(signal.SIGINT)
    assert client.answer()[0] == 200
    assert server.wait() == 0
    assert not [process for process in all_of_it if process.is_running()]


def test_when_the_server_is_killed_its_fronts_end(serve, archive):
    server = started(serve, archive)
    client = Client(server)
    assert client.ask() == OK
    all_of_it = processes_of(server)
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    until(lambda: not any(process.is_running()
                          and process.status() != psutil.STATUS_ZOMBIE for process in all_of_it))


def test_what_takes_too_long_is_given_up_in_every_front(serve, archive):
    server = started(serve, archive, '--shutdown-timeout', '2')
    clients = [Client(server) for _ in range(2)]
    for client in clients:
        client.send('[["sleep", 30]]')
    until(lambda: Client(server).get('/metrics')[1].find(
        'mms_requests_in_flight{model="m"} 2.0') > 0)
    server.process.send_signal(signal.SIGTERM)
    answers = [client.answer() for client in clients]
    assert [status for status, _ in answers] == [503] * 2
    assert server.wait() == 0


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_under_load_each_request_that_was_sent_has_its_answer(serve, archive, number):
    server = started(serve, archive)
    failures, answered = [], []

    def ask():
        client = Client(server)
        try:
            while client.ask_until_closed(answered):
                pass
        except ConnectionRefusedError:
            pass
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    until(lambda: len(answered) > 60)
    server.process.send_signal(number)
    for thread in threads:
        thread.join()
    assert server.wait() == 0
    assert failures == []
    assert set(answered) == {OK}
